import { defineConfig } from 'vite';

/** Bundles the page into one script and one style sheet, which the daemon serves and the HTML report contains. */
export default defineConfig({
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'public',
    emptyOutDir: true,
    modulePreload: false,
    target: 'es2023',
    rolldownOptions: {
      input: 'src/web/main.tsx',
      output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]' },
    },
  },
});
