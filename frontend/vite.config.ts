import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: {
      '@dkfds': path('node_modules/dkfds/src'),
      '@': path('src'),
    },
  },
  css: {
    // dkfds 11 still uses Sass's old if().
    preprocessorOptions: { scss: { silenceDeprecations: ['if-function'], quietDeps: true } },
  },
  // ES module workers: the policy of the server allows no blob: or data: scripts.
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Inlined images would be data: URLs, which `img-src 'self'` refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.{ts,tsx}'],
    environment: 'jsdom',
    setupFiles: ['test/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    css: false,
  },
});
