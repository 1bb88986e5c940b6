/** The pages about one service, in the order in which they are shown. */
export const tabs = ['overview', 'openid', 'source', 'policy', 'access', 'attributes', 'statistics', 'diagnosis', 'trial', 'conformance', 'messages'] as const;

export type Tab = (typeof tabs)[number];
