/** The part of a code that texts are kept under: what is wrong with an answer is
 * one text for the person, and many for the administrator. */
export function reasonOf(code: string): string {
  const rest = code.replace(/^localidp\./, '');
  return rest.startsWith('answer.') ? 'answer' : rest.replaceAll('.', '-');
}
