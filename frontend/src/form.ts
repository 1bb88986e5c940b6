import type { FieldError, FieldErrors } from 'react-hook-form';
import { codeText } from './i18n';
import type { FieldProblem } from './ui/error-summary';

/** The text of a field's error; zod's messages are codes. */
export function formText(error: { message?: string | undefined } | undefined): string | undefined {
  if (error === undefined) return undefined;
  const message = error.message ?? 'form.invalid';
  return codeText(message) ?? message;
}

/** What the error summary lists; each control has the id of its field. */
export function formProblems(errors: FieldErrors): FieldProblem[] {
  return Object.entries(errors).map(([field, error]) => ({
    field,
    text: formText(error as FieldError | undefined) ?? '',
  }));
}
