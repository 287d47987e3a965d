import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { annotationSupport } from '../annotations';
import { type Query } from '../query/types';
import { names, world } from '../test/world';
import { VariableEditor } from './VariableEditor';
import { type VariableQuery } from './fill';

test('racks of a hall are a variable', async () => {
  const { datasource } = world({ lists: { halls: names('hall 1') } });
  let last: VariableQuery | undefined;
  function Host() {
    const [q, setQ] = useState<VariableQuery>({ refId: 'v' });
    return <VariableEditor datasource={datasource} query={q as never} onRunQuery={() => undefined} onChange={(n) => setQ((last = n as unknown as VariableQuery))} />;
  }
  render(<Host />);
  const user = userEvent.setup();
  await user.click(screen.getByLabelText('List of'));
  await user.click(await screen.findByRole('option', { name: 'Racks' }));
  await user.click(screen.getByLabelText('Hall'));
  await user.click(await screen.findByRole('option', { name: 'hall 1' }));
  expect(last).toEqual({ refId: 'v', version: 1, of: 'rack', hall: 'hall 1' });
  await user.click(screen.getByLabelText('List of'));
  await user.click(await screen.findByRole('option', { name: 'Sites' }));
  expect(last).toEqual({ refId: 'v', version: 1, of: 'site' });
});

test('events are chosen for annotations', async () => {
  const { datasource } = world();
  const changed = jest.fn();
  const Editor = annotationSupport.QueryEditor!;
  render(<Editor datasource={datasource} query={{ refId: 'Anno', queryType: 'annotations', version: 1 } as Query} onChange={changed} onRunQuery={() => undefined} />);
  const user = userEvent.setup();
  await user.click(screen.getByLabelText('Events'));
  await user.click(await screen.findByRole('option', { name: /^Meters/ }));
  expect(changed).toHaveBeenLastCalledWith({ refId: 'Anno', queryType: 'annotations', version: 1, what: ['meter'] });
});
