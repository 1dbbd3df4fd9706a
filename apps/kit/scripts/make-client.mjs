// Makes src/api/schema.d.ts, the types of the client, from the OpenAPI document on stdin. Every
// problem has one shape, which kit/src/api/problems.ts reads, so refusals are left out: with them
// the types are five times as large and slow down every check.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const document = JSON.parse(readFileSync(0, "utf-8"));
for (const methods of Object.values(document.paths)) {
  for (const operation of Object.values(methods)) {
    delete operation.description;
    for (const status of Object.keys(operation.responses ?? {})) {
      if (!status.startsWith("2")) delete operation.responses[status];
      else delete operation.responses[status].headers;
    }
  }
}
const target = new URL("../src/api/schema.d.ts", import.meta.url);
writeFileSync(target, astToString(await openapiTS(document)));
