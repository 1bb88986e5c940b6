import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = process.env.E2E_BINARY ?? join(import.meta.dirname, '../../bin/adgang');
const patience = 90_000;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function ready(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false; // not listening yet
  }
}

/** Starts the built program as its demo, on a data folder and a port of its own;
 * answers how to stop it. Tests find it by E2E_URL and E2E_DATA. */
export default async function start(): Promise<() => Promise<void>> {
  const data = mkdtempSync(join(tmpdir(), 'adgang-e2e-'));
  const port = await freePort();
  // Settings of whoever runs the tests must not reach the server.
  const outside = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ADGANG_')));
  const env = { ...outside, ADGANG_ADDR: `127.0.0.1:${port}`, ADGANG_DATA: join(data, 'data'), ADGANG_PRIVATE_HOSTS: '1' }; // partners are on loopback
  const server = spawn(binary, ['serve', '--demo'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (log += String(chunk)));
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const url = `http://localhost:${port}`;
  const until = Date.now() + patience;
  while (!(await ready(url))) {
    if (server.exitCode !== null || Date.now() > until) throw new Error(`adgang did not start:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.env.E2E_URL = url;
  process.env.E2E_DATA = env.ADGANG_DATA;
  return async () => {
    server.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true });
  };
}
