import createClient, { type Middleware } from 'openapi-fetch';
import { codeText, sentence } from '@/i18n';
import type { components, paths } from './schema';

export type Schema = components['schemas'];
export type Finding = Schema['Finding'];

/** A refused call, or one that got no answer (status 0, code network). */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly findings: Finding[];
  /** Who is here already, when that is the problem. */
  readonly existing: Schema['ExistingEmployee'] | undefined;

  constructor(problem: Partial<Schema['Problem']>) {
    super(problem.detail ?? '');
    this.name = 'ProblemError';
    this.status = problem.status ?? 0;
    this.code = problem.code ?? 'network';
    this.field = problem.field;
    this.findings = problem.errors ?? [];
    this.existing = problem.existing;
  }

  /** In the language of the page; the server's English when the code is new. */
  get text(): string {
    const general = this.status >= 500 || this.status === 0 ? 'internal' : 'refused';
    return sentence(this.code, this.message) ?? codeText(general) ?? this.code;
  }
}

/** What to show for anything that was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof ProblemError) return error.text;
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === 'string' ? codeText(code) : undefined) ?? codeText('internal') ?? '';
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof ProblemError && error.status === status;
}

// The value of X-CSRF-Token, which GET /session gives; kept in memory only.
let csrfToken = '';

export const currentCsrfToken = (): string => csrfToken;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && csrfToken !== '') request.headers.set('X-CSRF-Token', csrfToken);
  },
};

export const baseUrl = '/api/v1';

export const client = createClient<paths>({ baseUrl });
client.use(csrf);

interface Answer<T> {
  data?: T;
  error?: Partial<Schema['Problem']>;
  response: Response;
}

/** The body of a call that succeeded; throws a ProblemError otherwise. */
export async function answer<T>(call: Promise<Answer<T>>): Promise<T> {
  let result: Answer<T>;
  try {
    result = await call;
  } catch {
    throw new ProblemError({ code: 'network' });
  }
  if (!result.response.ok) {
    throw new ProblemError({ status: result.response.status, code: 'internal', ...result.error });
  }
  return result.data as T;
}
