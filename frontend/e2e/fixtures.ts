import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type BrowserContext, expect, type Page, test as base } from '@playwright/test';

export const dataFolder = (): string => process.env.E2E_DATA ?? '';

/** A refusal is part of the story; the browser reports each as an error. */
const expected = /^Failed to load resource: the server responded with a status of 4\d\d/;

/** Collects what no page may do: errors on the console and broken policies. */
function watch(context: BrowserContext, faults: string[]): void {
  context.on('console', (message) => {
    const bad = message.type() === 'error' || message.type() === 'warning';
    if (bad && !expected.test(message.text())) faults.push(`${message.type()}: ${message.text()}`);
  });
  context.on('weberror', (error) => faults.push(`thrown: ${error.error().message}`));
}

const reportPolicy = () => {
  addEventListener('securitypolicyviolation', (event) => {
    const told = `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`;
    setTimeout(() => {
      throw new Error(told);
    });
  });
};

export const test = base.extend({
  context: async ({ context }, run) => {
    const faults: string[] = [];
    await context.addInitScript(reportPolicy);
    watch(context, faults);
    await run(context);
    expect(faults).toEqual([]);
  },
});

export { expect };

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

export async function accessible(page: Page): Promise<void> {
  // A bar that grows or a dialog that fades would be judged in between.
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((a) => a.finished));
  });
  const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
  expect(told).toEqual([]);
}

/** Judges a page in Danish and in English. What is open on it closes. */
export async function accessibleInBoth(page: Page): Promise<void> {
  await accessible(page);
  await speak(page, 'en');
  await accessible(page);
  await speak(page, 'da');
}

const widths = [1280, 390];
const languages = ['da', 'en'] as const;

async function noSidewaysScroll(page: Page): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide, `${page.url()} is wider than the window`).toBeLessThanOrEqual(0);
}

/** Judges a page in both languages, on a desk and on a phone. */
export async function look(page: Page, path: string): Promise<void> {
  for (const language of languages) {
    await page.evaluate((chosen) => localStorage.setItem('adgang-language', chosen), language);
    await page.goto(path);
    // Where only the part after # is new, goto loads nothing.
    if (path.includes('#')) await page.reload();
    await expect(page.locator('html')).toHaveAttribute('lang', language);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('[aria-busy]')).toHaveCount(0);
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      await noSidewaysScroll(page);
      // The words differ by language, the layout by width: two of the four do.
      if ((language === 'da') === (width === 1280)) await accessible(page);
    }
  }
}

/** Changes the language as the button in the frame does. */
export async function speak(page: Page, language: 'da' | 'en'): Promise<void> {
  await page.evaluate((to) => localStorage.setItem('adgang-language', to), language);
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', language);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
}

/** The link of the newest mail to an address, from the demo's mailbox. */
export async function mailed(page: Page, email: string, path: RegExp): Promise<string> {
  await expect(async () => {
    await page.goto(`/demo/mail?q=${encodeURIComponent(email)}`);
    await page.getByRole('listitem').getByRole('link').first().click({ timeout: 2_000 });
    await expect(page.getByRole('link', { name: path })).toBeVisible({ timeout: 2_000 });
  }).toPass();
  return (await page.getByRole('link', { name: path }).getAttribute('href')) ?? '';
}

/** Makes a key file from an activation link and its installation code, and saves it. */
export async function activate(page: Page, link: string, code: string, { file, password }: { file: string; password: string }): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Installationskode', { exact: true }).fill(code);
  await page.getByRole('button', { name: 'Fortsæt' }).click();
  await page.getByLabel('Adgangskode', { exact: true }).fill(password);
  await page.getByLabel('Gentag adgangskoden', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Lav nøglefilen' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Gem nøglefilen' }).click();
  await (await download).saveAs(file);
  await page.getByLabel('Jeg har gemt nøglefilen og adgangskoden').check();
  await page.getByRole('button', { name: 'Afslut' }).click();
}

export const administrator = () => ({
  file: join(dataFolder(), 'demo/administrator.p12'),
  password: readFileSync(join(dataFolder(), 'demo/administrator.password'), 'utf8').trim(),
});

export async function logIn(page: Page, { file, password }: { file: string; password: string }): Promise<void> {
  await page.getByLabel('Nøglefil', { exact: true }).setInputFiles(file);
  await page.getByLabel('Adgangskode til nøglefilen', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log ind', exact: true }).click();
}

/** Logs in as the demo's administrator and comes to path. */
export async function asAdministrator(page: Page, path = '/'): Promise<void> {
  await page.goto(path);
  await logIn(page, administrator());
  await expect(page).toHaveURL(path);
}
