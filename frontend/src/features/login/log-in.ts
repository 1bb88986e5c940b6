import { answer, client, ProblemError } from '@/api/client';
import { KeyFileWorker } from '@/keyfile/client';

interface LogIn {
  file: File;
  password: string;
  flow: string | undefined;
}

/**
 * Opens the key file in its worker, signs the server's challenge and ends the
 * worker, and with it the key. Answers the path to go on to. Throws KeyFileError
 * and ProblemError.
 */
export async function logIn({ file, password, flow }: LogIn): Promise<string> {
  const worker = new KeyFileWorker();
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const opened = await worker.open(bytes, password);
    const body = flow === undefined ? {} : { flow };
    const challenge = await answer(client.POST('/login/challenges', { body }));
    // A key signs logins to the page it is used on and nothing else.
    if (!challenge.text.startsWith(`adgang-keyfile-login-v1\n${location.origin}\n`)) {
      throw new ProblemError({ status: 409, code: 'login.foreign_challenge' });
    }
    const signed = {
      challenge_id: challenge.id,
      algorithm: opened.algorithm,
      chain: opened.chain,
      signature: await worker.sign(challenge.text),
    };
    const result = await answer(client.POST('/login/key-file', { body: signed }));
    return ownPath(result.continue);
  } finally {
    worker.close();
  }
}

/** The path, or / for an address of another origin. */
export function ownPath(path: string): string {
  const url = new URL(path, location.origin);
  return url.origin === location.origin ? `${url.pathname}${url.search}${url.hash}` : '/';
}
