// The portfolio page: asks for the figures and shows them as charts with tables beside them.
// Amounts stay texts where they are shown in full; numbers are made of them for drawing only.

import { drawBars, drawGroups, drawLegend, drawLines, drawTable, element } from "/assets/charts.js";
import { TEXTS } from "/assets/portfolio-texts.js";

const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const text = TEXTS[language];
const main = document.getElementById("portfolio");
const status = document.getElementById("status");
const filters = document.getElementById("filters");
const signIn = document.getElementById("sign-in");
let token = null;

const scale = language === "zh" ? 1e4 : 1e6;
const number = (money) => Number(money.amount);
const percent = (share, digits = 2) => `${(Number(share) * 100).toFixed(digits)}%`;
const short = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: value / scale < 10 ? 2 : 0 }).format(value / scale) + (language === "zh" ? "万" : "m");
const whole = (money) => money.amount.replace(/\B(?=(\d{3})+(?!\d))/g, ",").replace(/\.(.*)$/, (found) => found.replaceAll(",", ""));
const count = (value) => new Intl.NumberFormat(language).format(value);
const nameOf = (slice) => slice[`name_${language}`];

function card(title, lead, ...content) {
  return element("section", { class: "card" }, element("h2", {}, title), lead ? element("p", { class: "lead" }, lead) : null, ...content);
}

function withTable(chart, heads, rows, caption) {
  return [chart, element("details", {}, element("summary", {}, text.table), drawTable(heads, rows, caption))];
}

function showFigures(found) {
  const { total, coverage } = found;
  const last = found.months.at(-1);
  const entries = [
    [text.owed, short(number(total.owed)), `${count(total.loans)} ${language === "zh" ? "笔" : "loans"}`, null],
    [text.badRatio, last ? percent(last.bad) : "–", `${text.badLoans} ${short(number(coverage.bad_loans))}`, null],
    [text.expectedLoss, short(number(total.expected_loss)), null, null],
    [text.provision, short(number(total.provision)), number(coverage.shortfall) > 0 ? `${text.shortfall} ${short(number(coverage.shortfall))}` : null, null],
    [text.loanRatio, coverage.loan_ratio === null ? "–" : percent(coverage.loan_ratio), `${text.atLeast} ${percent(coverage.loan_ratio_min, 1)}`,
      coverage.loan_ratio === null || Number(coverage.loan_ratio) >= Number(coverage.loan_ratio_min) ? "good" : "bad"],
    [text.coverage, coverage.coverage === null ? "–" : percent(coverage.coverage, 0), `${text.atLeast} ${percent(coverage.coverage_min, 0)}`,
      coverage.coverage === null || Number(coverage.coverage) >= Number(coverage.coverage_min) ? "good" : "bad"],
  ];
  return element("dl", { class: "figures" }, ...entries.map(([name, value, aside, kind]) =>
    element("div", {}, element("dt", {}, name), element("dd", { class: kind }, value),
      aside ? element("dd", { class: "aside" }, aside) : null)));
}

function showTrend(found) {
  const months = found.months.map((each) => each.day.slice(0, 7));
  const kinds = [[text.lateOver30, "late_30", 2], [text.lateOver90, "late_90", 3], [text.badRatio, "bad", 4]];
  const series = kinds.map(([label, name, kind]) => ({ label, kind, points: found.months.map((each, place) => [place, Number(each[name])]) }));
  const chart = drawLines(text.trend, series, { show: (value) => percent(value, 1), showX: (place) => months[place]?.slice(2) ?? "" });
  const rows = found.months.map((each) => [each.day, whole(each.owed), percent(each.late_30), percent(each.late_90), percent(each.bad), whole(each.provision)]);
  return card(text.trend, text.trendLead, drawLegend(kinds.map(([label, , kind]) => ({ label, kind }))),
    ...withTable(chart, ["", text.owed, text.lateOver30, text.lateOver90, text.badRatio, text.provision], rows, text.trend));
}

function drawVintages(vintages, measure) {
  const worst = vintages.filter((each) => each.points.length > 1)
    .map((each) => [each, Number(each.points.at(-1)[measure])]).filter(([, share]) => share > 0)
    .sort((one, other) => other[1] - one[1]).slice(0, 5).map(([each]) => each.month);
  const series = vintages.map((each) => ({
    label: each.month, kind: worst.indexOf(each.month) + 1, isNamed: true,
    points: each.points.map((point) => [point.months, Number(point[measure])]),
  })).filter((each) => each.points.length);
  // Those that are named are drawn last, on top of the others.
  series.sort((one, other) => Number(one.kind > 0) - Number(other.kind > 0));
  return drawLines(text.vintages, series, { show: (value) => percent(value, 1), showX: (months) => String(months), wide: true });
}

function showVintages(found) {
  if (found.vintages === null) return card(text.vintages, text.notKept);
  if (!found.vintages.length) return card(text.vintages, text.nothing);
  const measures = [["ever_30", text.everLate30], ["ever_90", text.everLate90], ["late_30", text.nowLate30], ["late_90", text.nowLate90], ["lost", text.lost]];
  const holder = element("div", {});
  const draw = (measure) => {
    const ages = Math.max(...found.vintages.flatMap((each) => each.points.map((point) => point.months)), 0);
    const step = Math.max(1, Math.ceil((ages + 1) / 13));
    const shown = Array.from({ length: ages + 1 }, (_, age) => age).filter((age) => age % step === 0);
    const rows = found.vintages.map((each) => [each.month, count(each.loans), whole(each.lent), ...shown.map((age) => {
      const point = each.points.find((one) => one.months === age);
      if (!point) return "";
      const share = Number(point[measure]);
      return { text: percent(share, 1), kind: share > 0.15 ? "h4" : share > 0.08 ? "h3" : share > 0.03 ? "h2" : share > 0 ? "h1" : null };
    })]);
    holder.replaceChildren(...withTable(drawVintages(found.vintages, measure),
      [text.vintage, text.loans, text.lent, ...shown.map(String)], rows, text.vintages));
  };
  const choices = element("fieldset", { class: "choices" }, element("legend", {}, text.measure), ...measures.map(([name, label], place) => {
    const input = element("input", { type: "radio", name: "measure", value: name, checked: place ? null : "" });
    input.addEventListener("change", () => draw(name));
    return element("label", {}, input, label);
  }));
  draw(measures[0][0]);
  const made = card(text.vintages, `${text.vintagesLead} (x: ${text.monthsOnBook})`, choices, holder);
  made.classList.add("wide");
  return made;
}

function showSlices(title, lead, slices, note, kinds) {
  if (!slices.length) return card(title, text.nothing);
  const rows = slices.map((each, place) => ({
    label: nameOf(each), value: number(each.owed), note: note(each), kind: kinds ? kinds[place] ?? 6 : (place % 6) + 1,
  }));
  const table = slices.map((each) => [nameOf(each), count(each.loans), whole(each.owed), percent(each.share, 1), whole(each.overdue), whole(each.expected_loss), whole(each.provision)]);
  return card(title, lead, ...withTable(drawBars(title, rows, short),
    [text.name, text.loans, text.owed, text.share, text.overdue, text.expectedLoss, text.provision], table, title));
}

function showStages(found) {
  if (found.scenario_losses === null) return card(text.stages, text.notKept);
  if (!found.scenario_losses.length) return card(text.stages, text.nothing);
  const names = [...new Set(found.scenario_losses.map((each) => each.scenario))];
  names.sort((one, other) => ["upside", "base", "downside"].indexOf(one) - ["upside", "base", "downside"].indexOf(other));
  const groups = found.stages.map((stage) => ({
    label: `${text.stage} ${stage.key}`,
    values: [
      ...names.map((name) => number(found.scenario_losses.find((each) => String(each.stage) === stage.key && each.scenario === name)?.expected_loss ?? { amount: "0" })),
      number(stage.provision),
    ],
  }));
  const labels = [...names.map((name) => text.scenario[name] ?? name), text.provision];
  const rows = found.scenario_losses.map((each) => [`${text.stage} ${each.stage}`, text.scenario[each.scenario] ?? each.scenario, percent(each.weight, 0), whole(each.exposure), whole(each.expected_loss)]);
  return card(text.stages, text.stagesLead, drawLegend(labels.map((label, place) => ({ label, kind: place + 1 }))),
    ...withTable(drawGroups(text.stages, groups, short), ["", "", text.weight, text.exposure, text.expectedLoss], rows, text.stages));
}

function showRolls(found) {
  if (found.rolls === null) return card(text.rolls, found.filters.grade === null ? text.nothing : text.notKept);
  const ends = [...found.buckets.map((each) => each.key), "paid_off", "written_off"];
  for (const { from, to } of found.rolls.rates) for (const each of [from, to]) if (!ends.includes(each)) ends.push(each);
  const order = (key) => (key === "paid_off" ? 1e6 : key === "written_off" ? 1e7 : Number.parseInt(key, 10));
  ends.sort((one, other) => order(one) - order(other));
  const label = (key) => (key === "paid_off" ? text.paidOff : key === "written_off" ? text.writtenOff : key);
  const rows = ends.filter((each) => order(each) < 1e6).map((from) => [label(from), ...ends.map((to) => {
    const rate = found.rolls.rates.find((each) => each.from === from && each.to === to);
    if (!rate) return "";
    const share = Number(rate.share);
    return { text: percent(share, 1), kind: share > 0.6 ? "h4" : share > 0.3 ? "h3" : share > 0.1 ? "h2" : "h1" };
  })]);
  return card(text.rolls, `${text.rollsLead} ${found.rolls.day}`, drawTable([text.from, ...ends.map(label)], rows, text.rolls));
}

function showConcentration(found) {
  const rows = found.concentrations.map((each) => [
    text.dimension[each.dimension], Number(each.index).toFixed(3),
    { kind: "words", text: each.above.map((one) => `${nameIn(found, each.dimension, one.key)} ${percent(one.share, 0)}`).join(language === "zh" ? "、" : ", ") || text.none },
  ]);
  return card(text.concentration, text.concentrationLead, drawTable(["", text.index, text.above], rows, text.concentration));
}

function showWarnings(warnings) {
  if (!warnings.length) return card(text.warnings, text.none);
  const rows = warnings.map((each) => [each.found_on, each[`reason_${language}`], each.subject,
    Object.entries(each.details).map(([name, value]) => `${text.details[name] ?? name} ${value}`).join(" · ")]);
  const words = rows.map(([day, ...others]) => [day, ...others.map((each) => ({ kind: "words", text: each }))]);
  const made = card(text.warnings, text.warningsLead, drawTable([text.foundOn, text.reason, text.subject, ""], words, text.warnings));
  made.classList.add("wide");
  return made;
}

function nameIn(found, dimension, key) {
  const slice = found[`${dimension}s`].find((each) => each.key === key);
  return slice ? nameOf(slice) : key;
}

function show(found, warnings) {
  document.getElementById("day").textContent = found.as_of;
  const loss = (each) => `${text.expectedLoss} ${short(number(each.expected_loss))}`;
  const share = (each) => percent(each.share, 1);
  main.replaceChildren(showFigures(found), element("div", { class: "grid" },
    showVintages(found), showTrend(found), showStages(found),
    showSlices(text.grades, text.gradesLead, found.grades, loss, [5, 1, 4, 2, 3, 6]),
    showSlices(text.classes, text.classesLead, found.classes, share, [1, 2, 3, 3, 3]),
    showSlices(text.buckets, null, found.buckets, share, [1, 2, 2, 3, 3, 3]), showRolls(found),
    showSlices(text.products, null, found.products, share), showSlices(text.uses, null, found.uses, share),
    showSlices(text.regions, null, found.regions, share), showConcentration(found), showWarnings(warnings)));
  main.hidden = false;
  fillProducts(found);
}

function fillProducts(found) {
  const select = filters.elements.product;
  if (select.options.length > 1) return;
  for (const each of found.products) select.append(element("option", { value: each.key }, nameOf(each)));
}

async function load() {
  const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
  const headers = token === null ? { "X-Huitong-Anti-Forgery": "1" } : { Authorization: `Bearer ${token}` };
  const options = { headers, credentials: "same-origin", cache: "no-store" };
  say("");
  let answer;
  let listed;
  try {
    [answer, listed] = await Promise.all([
      fetch(`/v1/loan-portfolio?${query}`, options),
      fetch("/v1/loan-warnings?state=open&limit=10", options),
    ]);
  } catch {
    say(text.failed, true);
    return;
  }
  signIn.hidden = answer.status !== 401;
  if (answer.ok) {
    show(await answer.json(), listed.ok ? (await listed.json()).data : []);
    say("");
    return;
  }
  main.hidden = true;
  if (answer.status === 401) say(text.signIn, token !== null);
  else if (answer.status === 403) say(text.refused, true);
  else if (answer.status === 404) say(text.notFound);
  else say(text.failed, true);
}

function say(words, isProblem = false) {
  status.textContent = words;
  status.classList.toggle("problem", isProblem);
}

filters.addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("token");
  token = field.value.trim();
  field.value = "";
  load();
});
load();
