import { KeyFileError } from './error';
import type { Answer, Call } from './message';
import type { FinishRequest, Vault } from './vault';
import workerUrl from './worker?worker&url';

export { KeyFileError, type KeyFileCode } from './error';

type ScriptUrlPolicy = { createScriptURL(url: string): URL };
type TrustedTypes = {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrlPolicy;
};

// The only Trusted Types policy of the application, named in the server's
// Content-Security-Policy: a worker may be loaded from this origin and nowhere else.
function sameOrigin(url: string): string {
  const absolute = new URL(url, location.href);
  if (absolute.origin !== location.origin) throw new TypeError('worker of another origin');
  return absolute.href;
}

let policy: ScriptUrlPolicy | undefined;

function trusted(url: string): URL | string {
  const factory = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (factory === undefined) return sameOrigin(url);
  policy ??= factory.createPolicy('keyfile-worker', { createScriptURL: sameOrigin });
  return policy.createScriptURL(url);
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: KeyFileError): void;
}

/** A vault in its own worker, so that keys and long sums stay off the page. */
export class KeyFileWorker implements Vault {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor() {
    this.worker = new Worker(trusted(workerUrl), { type: 'module' });
    this.worker.addEventListener('message', (event: MessageEvent<Answer>) => {
      this.settle(event.data);
    });
    this.worker.addEventListener('error', () => {
      for (const id of [...this.waiting.keys()]) {
        this.settle({ id, code: 'worker_failed', detail: '' });
      }
    });
  }

  generate(...values: Parameters<Vault['generate']>) {
    return this.call('generate', values);
  }

  finish(request: FinishRequest) {
    return this.call('finish', [request]);
  }

  open(...values: Parameters<Vault['open']>) {
    return this.call('open', values);
  }

  certificates(...values: Parameters<Vault['certificates']>) {
    return this.call('certificates', values);
  }

  sign(text: string) {
    return this.call('sign', [text]);
  }

  forget() {
    return this.call('forget', []);
  }

  /** Ends the worker and with it every key. */
  close() {
    this.worker.terminate();
  }

  private call<O extends keyof Vault>(operation: O, values: Parameters<Vault[O]>) {
    const call: Call = { id: ++this.last, operation, values };
    return new Promise((resolve, reject) => {
      this.waiting.set(call.id, { resolve, reject });
      this.worker.postMessage(call);
    }) as ReturnType<Vault[O]>;
  }

  private settle(answer: Answer) {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('code' in answer) waiting?.reject(new KeyFileError(answer.code, answer.detail));
    else waiting?.resolve(answer.value);
  }
}
