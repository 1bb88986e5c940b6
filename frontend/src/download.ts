import type { Bytes } from './keyfile/der';

/** Hands bytes to the browser as a file to save. */
export function saveFile(bytes: Bytes, name: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  // The browser has taken the bytes by then; the address is of no more use.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
