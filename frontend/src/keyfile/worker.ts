import { KeyFileError } from './error';
import type { Answer, Call } from './message';
import { createVault } from './vault';

const vault = createVault();

async function answer({ id, operation, values }: Call): Promise<Answer> {
  try {
    const run = vault[operation] as (...values: unknown[]) => Promise<unknown>;
    return { id, value: await run(...values) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : '';
    return { id, code: error instanceof KeyFileError ? error.code : 'worker_failed', detail };
  }
}

self.addEventListener('message', (event: MessageEvent<Call>) => {
  void answer(event.data).then((result) => {
    self.postMessage(result);
  });
});
