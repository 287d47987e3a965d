import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { QueryEditor } from './QueryEditor';
import { kinds } from './query/kinds';
import { type Query } from './query/types';
import { names, world } from './test/world';

function open(query: object, w = world()) {
  const changes: Query[] = [];
  const runs = jest.fn();
  function Host() {
    const [q, setQ] = useState({ refId: 'A', ...query } as Query);
    return (
      <QueryEditor
        datasource={w.datasource}
        query={q}
        onChange={(next) => {
          changes.push(next);
          setQ(next);
        }}
        onRunQuery={runs}
      />
    );
  }
  render(<Host />);
  return { user: userEvent.setup(), last: () => changes[changes.length - 1], runs, ...w };
}

async function choose(user: ReturnType<typeof userEvent.setup>, label: string | RegExp, option: string | RegExp) {
  await user.click(screen.getByRole('combobox', { name: label }));
  await user.click(await screen.findByRole('option', { name: option }));
}

test('a new query asks for the power of the site, and shows the hierarchy', () => {
  open({});
  expect(screen.getByLabelText('Question')).toHaveValue('Power and energy');
  const levels = within(screen.getByRole('radiogroup', { name: 'One line for each' }));
  expect(levels.getAllByRole('radio').map((r) => r.getAttribute('aria-label'))).toEqual(['Site', 'Hall', 'Rack', 'Host', 'GPU', 'Job', 'Tenant']);
  expect(levels.getByRole('radio', { name: 'Site' })).toBeChecked();
  expect(screen.getByRole('radio', { name: 'Facility' })).toBeChecked();
});

test('another level takes the boundary it has', async () => {
  const { user, last, runs } = open({});
  await user.click(screen.getByRole('radio', { name: 'Rack' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'power_energy', by: 'rack' });
  expect(screen.getByRole('radio', { name: 'Hosts' })).toBeChecked();
  expect(screen.getByRole('radio', { name: 'Facility' })).toBeDisabled();
  expect(runs).toHaveBeenCalledTimes(1);
});

test.each([
  ['Job', ['Hosts', 'GPUs'], ['Facility', 'IT']],
  ['Host', ['Hosts'], ['Facility', 'IT', 'GPUs']],
  ['GPU', ['GPUs'], ['Facility', 'IT', 'Hosts']],
])('by %s only what is metered is offered, and the rest says why', async (level, offered, not) => {
  const { user } = open({});
  await user.click(screen.getByRole('radio', { name: level }));
  const rungs = within(screen.getByRole('radiogroup', { name: 'Measured at' }));
  offered.forEach((b) => expect(rungs.getByRole('radio', { name: b })).toBeEnabled());
  not.forEach((b) => {
    expect(rungs.getByRole('radio', { name: b })).toBeDisabled();
    expect(rungs.getByRole('radio', { name: b })).toHaveAccessibleDescription(/\.$/);
  });
});

test('the energy of a host’s GPUs is offered, their power is not', async () => {
  const { user, last } = open({ version: 1, queryType: 'power_energy', by: 'host', measure: 'energy', boundary: 'gpu' });
  expect(screen.getByRole('radio', { name: 'GPUs' })).toBeChecked();
  await user.click(screen.getByRole('radio', { name: 'Power' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'power_energy', by: 'host', measure: 'power' });
});

test('a stream of racks is not of the facility', async () => {
  const { user, last } = open({ version: 1, queryType: 'live', site: 'north', boundary: 'facility' });
  await user.click(screen.getByRole('radio', { name: 'Rack' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'live', site: 'north', by: 'rack' });
  await user.click(screen.getByRole('combobox', { name: 'Measured at' }));
  expect(screen.queryByRole('option', { name: /^Facility/ })).toBeNull();
});

test('arrow keys move along the hierarchy', async () => {
  const { user, last } = open({});
  screen.getByRole('radio', { name: 'Site' }).focus();
  await user.keyboard('{ArrowRight}');
  expect(last()).toMatchObject({ by: 'hall' });
});

test('halls are offered of the chosen site, beside the dashboard’s variables', async () => {
  const { user, last, asked } = open({ queryType: 'power_energy', version: 1, by: 'rack', site: 'north' }, world({ variables: { hall: 'x' }, lists: { halls: names('hall 1', 'hall 2') } }));
  await user.click(screen.getByRole('combobox', { name: 'Hall' }));
  expect(await screen.findByRole('option', { name: /\$hall/ })).toBeInTheDocument();
  await user.click(await screen.findByRole('option', { name: 'hall 2' }));
  expect(asked).toContainEqual({ path: 'halls', params: { site: 'north' } });
  expect(last()).toMatchObject({ hall: 'hall 2' });
});

test('a list that cannot be read takes what is typed', async () => {
  const { user } = open({}, world({ lists: { sites: new Error('aggregator a: it does not know the token') } }));
  await user.click(screen.getByRole('combobox', { name: 'Site' }));
  await user.type(screen.getByRole('combobox', { name: 'Site' }), 'zz');
  expect(await screen.findByRole('option', { name: /zz/ })).toBeInTheDocument();
});

test('energy has a shape, a step and a unit', async () => {
  const { user, last } = open({});
  await user.click(screen.getByRole('radio', { name: 'Energy' }));
  await user.click(screen.getByRole('radio', { name: 'One number' }));
  expect(last()).toMatchObject({ measure: 'energy', shape: 'total' });
  await user.click(screen.getByRole('radio', { name: 'Power' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'power_energy', measure: 'power' });
});

test.each(kinds.map((k) => [k.label, k.kind]))('%s has a builder without complaints', async (label, kind) => {
  const { user, last } = open({ version: 1, queryType: kind === 'kpi' ? 'top' : 'kpi', site: 'north' }, world({ lists: { metrics: names('gpu_sm_clock_hertz') } }));
  await choose(user, 'Question', new RegExp(`^${label.replace(/[()]/g, '\\$&')}`));
  expect(last()).toMatchObject({ queryType: kind, site: 'north' });
  expect(screen.getByRole('combobox', { name: 'Site' })).toHaveValue('north');
});

test('figures are chosen by their names', async () => {
  const { user, last } = open({ version: 1, queryType: 'kpi' });
  await choose(user, 'Figures', /^WUE Litres of water/);
  expect(last()).toMatchObject({ kpis: ['wue'] });
});

test('top of hosts forgets the metric of GPUs', async () => {
  const { user, last } = open({ version: 1, queryType: 'top', metric: 'gpu_temperature_celsius', host: 'n1' });
  await user.click(screen.getByRole('radio', { name: 'Host' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'top', of: 'host' });
  expect(screen.getByLabelText('By')).toHaveValue('Power');
});

test('code shows the builder’s question, and comes back as one', async () => {
  const { user, last } = open({ version: 1, queryType: 'top', of: 'host', limit: 5 });
  await user.click(screen.getByRole('radio', { name: 'Code' }));
  const line = screen.getByLabelText('Line');
  expect(line).toHaveValue('top of=host limit=5');
  await user.clear(line);
  await user.type(line, 'power_energy by=rack hall="hall 2"{Enter}');
  expect(last()).toMatchObject({ editorMode: 'code', code: 'power_energy by=rack hall="hall 2"', queryType: 'power_energy' });
  await user.click(screen.getByRole('radio', { name: 'Builder' }));
  expect(last()).toEqual({ refId: 'A', version: 1, queryType: 'power_energy', by: 'rack', hall: 'hall 2' });
});

test('a hint has a button that heeds it', async () => {
  const { user, last } = open({ version: 1, queryType: 'power_energy', by: 'rack', boundary: 'facility' });
  expect(screen.getByRole('status')).toHaveTextContent('No meter shows the facility power of single racks: the facility is metered as a whole.');
  await user.click(screen.getByRole('button', { name: 'Measure at Hosts' }));
  expect(last()).toMatchObject({ boundary: 'host' });
  expect(screen.queryByRole('status')).toBeNull();
});

test('PromQL asks when its writer is done', async () => {
  const { user, last, runs } = open({ version: 1, queryType: 'promql' });
  await user.type(screen.getByLabelText('Expression'), 'up{Shift>}{Enter}{/Shift}');
  expect(last()).toMatchObject({ expr: 'up' });
  expect(runs).toHaveBeenCalledTimes(1);
});
