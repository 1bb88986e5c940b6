import { execFileSync } from 'node:child_process';
import { defineConfig } from '@playwright/test';

// Debian's own Chromium; Playwright downloads none.
const chromium = (): string => execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/server.ts',
  // One server and one story, told in order.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // A busy machine takes five times as long as a quiet one.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.E2E_URL ?? '',
    actionTimeout: 60_000,
    locale: 'da-DK',
    timezoneId: 'America/New_York',
    permissions: ['clipboard-read', 'clipboard-write'],
    trace: 'retain-on-failure',
    launchOptions: { executablePath: chromium(), args: quiet },
  },
});
