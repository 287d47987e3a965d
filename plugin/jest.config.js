// @grafana/* ships modules, also as .mjs, which Node of Jest's world cannot
// require as they are: everything is compiled.
module.exports = {
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/src/**/*.test.{ts,tsx}'],
  setupFilesAfterEnv: ['<rootDir>/jest.setup.js'],
  transform: {
    '\\.(mjs|[jt]sx?)$': [
      '@swc/jest',
      { sourceMaps: 'inline', jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(@grafana|ol|d3[^/]*|uuid|marked|react-calendar|get-user-locale|memoize|mimic-function|@wojtekmaj|react-colorful|rxjs|@react-aria|@react-stately|@internationalized)/)'],
  moduleNameMapper: { '\\.(css|s[ac]ss)$': '<rootDir>/jest.setup.js' },
};
