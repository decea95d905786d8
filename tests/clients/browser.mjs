// A person at the sign-in pages, in Chromium:
//   node browser.mjs JOURNEY ADDRESS OUTBOX USER PASSWORD PICTURES
// OUTBOX is the folder in which the person's messages arrive; PICTURES gets a picture of each step.
// Ends with 0 when all was as it must be.

import assert from "node:assert/strict";
import fs from "node:fs/promises";
import path from "node:path";
import { chromium } from "playwright-core";

const [journey, address, outbox, user, password, pictures] = process.argv.slice(2);
const patience = 20_000;

async function until(condition, what) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const read = async () => {
  try {
    return JSON.parse(await fs.readFile(path.join(outbox, `${user}.json`), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
};
/// The newest message, when it is another than `before`.
const message = (before) =>
  until(async () => {
    const found = await read();
    return found && found.code !== before?.code ? found : undefined;
  }, "a message");

const wrongCode = (code) => code.replace(/[A-Za-z]$/, (letter) => (letter === "x" ? "y" : "x"));

const title = (page) => page.getByRole("heading", { level: 1 }).textContent();
const picture = (page, name) =>
  page.screenshot({
    path: path.join(pictures, `${journey.replace("/", "-")}-${name}.png`),
    fullPage: true,
  });

/// Presses the button and is on the page that comes of it.
const press = (page, name) =>
  Promise.all([
    page.waitForEvent("domcontentloaded"),
    page.getByRole("button", { name }).click(),
  ]);

async function claim(page, secret = password) {
  await page.goto(`${address}/sign-in`);
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password").fill(secret);
  await press(page, "Continue");
  assert.equal(await title(page), "Enter your code");
}

async function enter(page, code) {
  await page.getByLabel("Code").fill(code);
  await press(page, "Sign in");
}

async function refused(page, code) {
  await enter(page, code);
  assert.match(await page.getByRole("alert").textContent(), /not right, or no longer valid/);
  assert.equal(await title(page), "Enter your code");
}

/// What holds with JavaScript and without it.
async function wholeJourney(page) {
  await page.goto(`${address}/account`);
  assert.equal(await title(page), "Sign in");
  await picture(page, "1-sign-in");

  await claim(page, "wrong password");
  await refused(page, "abC-123-dEf");
  assert.equal(await read(), undefined, "a wrong password gets no code");

  await page.getByRole("link", { name: "Start over" }).click();
  await claim(page);
  await picture(page, "2-code");
  const first = await message();
  assert.match(first.code, /^[A-Za-z]{3}-[0-9]{1,4}-[A-Za-z]{3}$/);
  await refused(page, wrongCode(first.code));
  await picture(page, "3-refused");

  await press(page, "Send a new code");
  assert.match(await page.getByText("A new code is on its way").textContent(), /before/);
  const second = await message(first);
  await refused(page, first.code);
  await enter(page, second.code);
  assert.equal(await title(page), "You are signed in");
  await picture(page, "4-account");
  await session(page);

  await press(page, "Sign out");
  assert.equal(await page.getByRole("status").first().textContent(), "You are signed out.");
  await page.goto(`${address}/account`);
  assert.equal(await title(page), "Sign in");
}

async function session(page) {
  const cookies = await page.context().cookies();
  assert.equal(cookies.length, 1);
  const [{ name, httpOnly, sameSite, path: where }] = cookies;
  assert.deepEqual([name, httpOnly, sameSite, where], ["latchkey-session", true, "Lax", "/"]);
  assert.equal(await page.evaluate("document.cookie").catch(() => ""), "");
}

const journeys = {
  "with-script": (page) => wholeJourney(page),
  "without-script": (page) => wholeJourney(page),

  async countdown(page) {
    await claim(page);
    const left = page.locator(".left");
    const before = await left.textContent();
    assert.match(before, /^0:0[0-9] left$/);
    await until(async () => (await left.textContent()) !== before, "the countdown to count");
    const { code, expires } = await message();
    await until(async () => (await left.textContent()) === "expired", "the end of the code");
    // The page counts from the moment at which the code was ordered, a little before its issue.
    const early = Date.parse(expires) - Date.now();
    assert.ok(early < 3000 && early > -2000, `shown ${early} ms before the end`);
    await until(() => Date.now() > Date.parse(expires), "the end itself");
    assert.equal(await page.locator(".life [role=status]").textContent(),
      "The code has expired. Ask for a new one.");
    await picture(page, "expired");
    await refused(page, code);
    await press(page, "Send a new code");
    assert.match(await left.textContent(), /^0:0[0-9] left$/);
    await enter(page, (await message({ code })).code);
    assert.equal(await title(page), "You are signed in");
  },

  async keyboard(page) {
    await page.goto(`${address}/sign-in`);
    await page.keyboard.type(user);
    await page.keyboard.press("Tab");
    await page.keyboard.type(password);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/sign-in/code");
    const { code } = await message();
    await page.keyboard.type(code);
    await picture(page, "typed");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/account");
    for (let steps = 0; steps < 5; ++steps) {
      await page.keyboard.press("Tab");
      if (await page.evaluate("document.activeElement.tagName") === "BUTTON") break;
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/sign-in?out");
  },

  async "not-me"(page, browser) {
    await claim(page);
    const { code, notMeUrl } = await message();
    const phone = await (await browser.newContext()).newPage();
    await phone.goto(notMeUrl);
    assert.match(await phone.getByRole("main").textContent(), new RegExp(user));
    await picture(phone, "1-asked");
    await press(phone, "This was not me");
    assert.equal(await title(phone), "Your codes no longer work");
    await picture(phone, "2-done");
    await refused(page, code);
  },

  async clicks(page) {
    // Two clicks at once are one sign-in; going back offers the form again.
    await claim(page);
    await page.getByLabel("Code").fill((await message()).code);
    await page.getByRole("button", { name: "Sign in" }).dblclick();
    await page.waitForURL("**/account");
    assert.equal(await title(page), "You are signed in");
  },

  async limits(page) {
    await claim(page);
    const again = "Send a new code";
    for (let sent = 1; sent < 5; ++sent) await press(page, again);
    const answer = page.waitForResponse((response) => response.status() === 429);
    await press(page, again);
    assert.ok(Number((await answer).headers()["retry-after"]) > 0);
    assert.equal(await title(page), "Too many tries");
    await picture(page, "too-many");
    await page.getByRole("link", { name: "Back" }).click();
    assert.equal(await title(page), "Enter your code");
  },
};

const looks = {
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
try {
  const [name, look] = journey.split("/");
  const context = await browser.newContext({
    viewport: { width: 1000, height: 800 },
    javaScriptEnabled: name !== "without-script",
    ...looks[look],
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (line) => {
    if (/Content.Security.Policy|Refused to/.test(line.text())) problems.push(line.text());
  });
  page.on("requestfailed", (request) => {
    // Aborted: what was still loading when the person went on to the next page.
    const why = request.failure().errorText;
    if (why !== "net::ERR_ABORTED") problems.push(`${request.url()}: ${why}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) problems.push(`asks elsewhere: ${request.url()}`);
  });
  await journeys[name](page, browser);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
}
