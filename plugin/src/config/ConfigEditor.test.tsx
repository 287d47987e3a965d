import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { ConfigEditor } from './ConfigEditor';
import { type Settings } from './settings';

function open(rest: object = {}) {
  let last = { id: 1, url: '', jsonData: {}, secureJsonFields: {}, ...rest } as unknown as Settings;
  function Host() {
    const [s, setS] = useState(last);
    return (
      <ConfigEditor
        options={s}
        onOptionsChange={(next) => {
          last = next as Settings;
          setS(last);
        }}
      />
    );
  }
  render(<Host />);
  return { user: userEvent.setup(), last: () => last };
}

test('an address and a token are all that is needed', async () => {
  const { user, last } = open();
  await user.type(screen.getByLabelText(/^Address/), 'https://gw.example:8600');
  await user.type(screen.getByLabelText(/^Token/), 's3cret');
  expect(last().url).toBe('https://gw.example:8600');
  expect(last().jsonData).toEqual({ version: 1, aggregators: [{ name: '', url: 'https://gw.example:8600' }] });
  expect(last().secureJsonData).toEqual({ token: 's3cret' });
  expect(JSON.stringify(last().jsonData)).not.toContain('s3cret');
});

test.each([
  ['gw.example', 'begins with http'],
  ['https://me:pw@gw.example', 'Leave the password out'],
  ['https://gw.example/?a=b', 'what follows ?'],
])('%s is refused when its writer leaves it', async (url, wrong) => {
  const { user } = open();
  await user.type(screen.getByLabelText(/^Address/), url);
  expect(screen.queryByText(new RegExp(wrong))).toBeNull();
  await user.tab();
  expect(screen.getByText(new RegExp(wrong.replace('?', '\\?')))).toBeInTheDocument();
});

test('a data source provisioned by its url shows it', () => {
  open({ url: 'http://127.0.0.1:8600' });
  expect(screen.getByLabelText(/^Address/)).toHaveValue('http://127.0.0.1:8600');
});

test('several aggregators have names and tokens of their own', async () => {
  const { user, last } = open({ url: 'https://a.example' });
  await user.click(screen.getByRole('button', { name: 'Add an aggregator' }));
  const second = within(screen.getByRole('group', { name: 'Aggregator 2' }));
  await user.type(second.getByLabelText(/^Address/), 'https://b.example');
  await user.type(second.getByLabelText(/^Name/), 'b');
  await user.type(second.getByLabelText('Token of b'), 'other');
  expect(last().jsonData.aggregators).toEqual([
    { name: '', url: 'https://a.example' },
    { name: 'b', url: 'https://b.example' },
  ]);
  expect(last().secureJsonData).toEqual({ 'token.b': 'other' });
  await user.click(screen.getByRole('button', { name: 'Remove aggregator 1' }));
  expect(last().jsonData.aggregators).toEqual([{ name: 'b', url: 'https://b.example' }]);
  expect(last().url).toBe('https://b.example');
});

test('a token that is kept is not shown, and can be written anew', async () => {
  const { user, last } = open({ url: 'https://a.example', secureJsonFields: { token: true } });
  expect(screen.getByLabelText(/^Token/)).toHaveValue('configured');
  await user.click(screen.getByRole('button', { name: /reset/i }));
  expect(last().secureJsonFields.token).toBe(false);
});

test('a token over plain HTTP to another machine is warned of', async () => {
  const { user } = open({ url: 'http://gw.example:8600' });
  expect(screen.queryByRole('alert')).toBeNull();
  await user.type(screen.getByLabelText(/^Token/), 'x');
  expect(screen.getByRole('alert')).toHaveTextContent('The token travels in the open');
});

test('site, timeout, certificates and limits are written where the back end reads them', async () => {
  const { user, last } = open({ url: 'https://a.example' });
  await user.type(screen.getByLabelText(/^Default site/), 'north');
  await user.type(screen.getByLabelText(/^Timeout/), '45');
  await user.click(screen.getByRole('button', { name: /Certificates/ }));
  await user.type(screen.getByLabelText(/^CA certificate/), 'PEM');
  await user.click(screen.getByRole('button', { name: /Limits/ }));
  await user.type(screen.getByLabelText(/^Rows/), '9');
  expect(last().jsonData).toMatchObject({ defaultSite: 'north', timeoutSeconds: 45, limits: { rows: 9 } });
  expect(last().secureJsonData).toEqual({ tlsCACert: 'PEM' });
});
