import { baseUrl, currentCsrfToken, ProblemError, type Schema } from './client';

/** Sends a file; fetch cannot tell how far an upload is, so this is an XHR.
 * onProgress gets the share sent, 0 to 1. */
export function upload<Made>(
  path: string,
  file: File,
  options: object,
  onProgress: (share: number) => void,
): Promise<Made> {
  const body = new FormData();
  // First, so that the server knows the options when the file begins.
  body.append('options', new Blob([JSON.stringify(options)], { type: 'application/json' }));
  body.append('file', file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${baseUrl}${path}`);
    request.setRequestHeader('X-CSRF-Token', currentCsrfToken());
    request.responseType = 'json';
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total));
    request.addEventListener('error', () => reject(new ProblemError({ code: 'network' })));
    request.addEventListener('load', () => {
      const { status, response } = request as { status: number; response: unknown };
      if (status === 201) resolve(response as Made);
      else reject(new ProblemError({ status, code: 'internal', ...(response as Schema['Problem'] | null) }));
    });
    request.send(body);
  });
}
