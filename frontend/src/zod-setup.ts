import { config } from 'zod';

// zod tries `new Function` once to see whether it may compile schemas; the
// Content-Security-Policy refuses that and logs it. Must run before any schema.
config({ jitless: true });
