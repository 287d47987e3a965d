import { build } from 'esbuild';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

// The page of the browser test, into the folder named as the argument.
await build({
  entryPoints: { host: path.join(import.meta.dirname, 'host.tsx') },
  outdir: process.argv[2],
  bundle: true,
  format: 'iife',
  target: 'es2022',
  jsx: 'transform',
  mainFields: ['browser', 'main', 'module'],
  // No library may find an AMD loader here: SystemJS is the plugin's alone.
  define: { 'process.env.NODE_ENV': '"production"', define: 'undefined', global: 'window' },
  loader: { '.svg': 'dataurl', '.png': 'dataurl', '.ttf': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl' },
  logLevel: 'error',
  plugins: [
    {
      // The .mjs builds of @grafana/* import defaults from packages that have none.
      name: 'commonjs builds',
      setup: (b) => b.onResolve({ filter: /^@grafana\/[a-z0-9-]+(\/unstable)?$/ }, (args) => ({ path: require.resolve(args.path) })),
    },
  ],
});
