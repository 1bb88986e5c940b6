/** Shortest password of a key file: a guesser who has the file tries as fast as
 * 600,000 rounds a try allow, so length is what protects it. */
export const minPasswordLength = 12;

const longEnough = 20;

/** How strong a password is, 0 (too short) to 3; repeats and runs count little. */
export function passwordStrength(password: string): 0 | 1 | 2 | 3 {
  const letters = Array.from(password.normalize('NFC'));
  if (letters.length < minPasswordLength) return 0;
  const different = new Set(letters).size;
  const steps = letters.filter((letter, i) => {
    const before = letters[i - 1];
    return before === undefined || Math.abs(letter.charCodeAt(0) - before.charCodeAt(0)) > 1;
  }).length;
  if (different < 6 || steps < 8) return 1;
  return letters.length >= longEnough || (letters.length >= 16 && different >= 10) ? 3 : 2;
}

// Letters and digits that nobody misreads: 31 of them.
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Five groups of four: just under 99 random bits, easy to copy by hand. */
export function generatePassword(): string {
  const letters: string[] = [];
  while (letters.length < 20) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      // Bytes beyond the last whole multiple would favour the first letters.
      if (byte < 248 && letters.length < 20) letters.push(alphabet[byte % 31] ?? '');
    }
  }
  return [0, 4, 8, 12, 16].map((at) => letters.slice(at, at + 4).join('')).join('-');
}
