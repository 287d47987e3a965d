const path = require('path');
const Copy = require('copy-webpack-plugin');
const { version } = require('./package.json');
const { id } = require('./src/plugin.json');

// What Grafana gives to every plugin; nothing of it may be in the bundle, or
// there would be two of it in the page.
const given = [
  '@emotion/css', '@grafana/data', '@grafana/runtime', '@grafana/ui', 'lodash', 'react', 'react-dom', 'rxjs', 'rxjs/operators',
];

const filled = (text) =>
  text.toString().replaceAll('%VERSION%', version).replaceAll('%TODAY%', new Date().toISOString().slice(0, 10));

module.exports = {
  mode: 'production',
  target: ['web', 'es2022'],
  context: path.resolve(__dirname, 'src'),
  entry: { module: './module.ts' },
  output: {
    path: path.resolve(__dirname, 'dist'),
    filename: '[name].js',
    // The Go program is built into the same folder.
    clean: { keep: /gpx_|go_plugin_build_manifest/ },
    library: { type: 'amd' },
    publicPath: `public/plugins/${id}/`,
    uniqueName: id,
  },
  externals: given,
  resolve: { extensions: ['.ts', '.tsx', '.js'] },
  devtool: 'source-map',
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        loader: 'swc-loader',
        options: { jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022', loose: false } },
      },
    ],
  },
  plugins: [
    new Copy({
      patterns: [
        { from: 'plugin.json', transform: filled },
        { from: 'README.md' },
        { from: 'img', to: 'img' },
        { from: '../../LICENSE', to: 'LICENSE', toType: 'file' },
        { from: '../CHANGELOG.md' },
        { from: '../../dashboards/*.json', to: 'dashboards/[name][ext]' },
      ],
    }),
  ],
  performance: { hints: false },
  stats: 'errors-warnings',
};
