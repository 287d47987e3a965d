// Tells Jest's results as go test -v tells its own, so that both are counted
// alike.
const { relative } = require('path');

module.exports = class {
  onTestResult(test, { testResults, testExecError, failureMessage, console: printed, perfStats }) {
    const file = relative(process.cwd(), test.path);
    const lines = testResults.map(({ status, fullName, duration, failureMessages }) => {
      const word = { passed: 'PASS', failed: 'FAIL' }[status] ?? 'SKIP';
      return [`--- ${word}: ${fullName} (${((duration ?? 0) / 1000).toFixed(2)}s)`, ...(status === 'passed' ? [] : failureMessages)].join('\n');
    });
    const failed = testExecError || testResults.some(({ status }) => status === 'failed');
    if (failed) {
      lines.push(...(printed ?? []).map(({ type, message }) => `${type}: ${message}`));
    }
    if (testExecError) {
      lines.push(failureMessage);
    }
    lines.push(`${failed ? 'FAIL' : 'ok  '}\tplugin/${file}\t${((perfStats.end - perfStats.start) / 1000).toFixed(3)}s`);
    process.stdout.write(lines.join('\n') + '\n');
  }

  onRunComplete(_, { runExecError }) {
    if (runExecError) {
      process.stdout.write(`${runExecError.message}\nFAIL\tplugin\n`);
    }
  }
};
