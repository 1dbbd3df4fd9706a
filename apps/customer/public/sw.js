// Keeps the app itself on the device, so that it opens without a network. Nothing of the API is
// ever kept: what it says is about money, is personal, and must be new.
const SHELL = ["__SHELL__"];
const CACHE = `huitong-${SHELL.join("").length}-${SHELL.find((name) => name.includes("index-"))}`;
const DOCUMENT = "/app/";

self.addEventListener("install", (event) => {
  const files = SHELL.filter((name) => /index-/.test(name)).map((name) => `/app/${name}`);
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([DOCUMENT, ...files]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname.startsWith(DOCUMENT)) {
    event.respondWith(fetch(request).catch(() => caches.match(DOCUMENT)));
  } else if (pathname.startsWith("/app/assets/")) {
    event.respondWith(
      caches.match(request).then(
        (kept) =>
          kept ??
          fetch(request).then((answer) => {
            if (answer.ok) {
              const copy = answer.clone();
              event.waitUntil(caches.open(CACHE).then((cache) => cache.put(request, copy)));
            }
            return answer;
          }),
      ),
    );
  }
});
