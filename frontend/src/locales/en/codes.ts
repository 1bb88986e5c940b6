/** Texts of stable codes, one file for each Go package that gives them. */
export const codes: Record<string, string> = Object.assign(
  {},
  ...Object.values(import.meta.glob<Record<string, string>>('./codes/*.json', { eager: true, import: 'default' })),
) as Record<string, string>;
