import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { beforeAll, expect, test, vi } from 'vitest';
import { setLanguage, startLanguage } from '@/i18n';
import { Button } from '@/ui/button';
import { Funnel, StackedBar } from '@/ui/chart';
import { DateField, noDate } from '@/ui/date-field';
import { ErrorSummary } from '@/ui/error-summary';
import { PasswordField, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';
import { Steps } from '@/ui/steps';
import { Table } from '@/ui/table';

beforeAll(async () => {
  await startLanguage();
  await setLanguage('da');
});

test('a field is named by its label and described by its hint and error', () => {
  render(<TextField label="Navn" hint="Som i passet" error="Mangler" />);
  const field = screen.getByRole('textbox', { name: 'Navn' });
  expect(field).toHaveAccessibleDescription('Som i passet Fejl: Mangler');
  expect(field).toBeInvalid();
});

test('a password is hidden until its owner asks', async () => {
  render(<PasswordField label="Adgangskode" defaultValue="hemmelig" />);
  expect(screen.getByLabelText('Adgangskode')).toHaveAttribute('type', 'password');
  await userEvent.click(screen.getByRole('button', { name: 'Vis: Adgangskode' }));
  expect(screen.getByLabelText('Adgangskode')).toHaveAttribute('type', 'text');
});

test('a pending button keeps its focus and does nothing', async () => {
  const click = vi.fn();
  const { rerender } = render(<Button onClick={click}>Gem</Button>);
  await userEvent.click(screen.getByRole('button', { name: 'Gem' }));
  rerender(<Button pending onClick={click}>Gem</Button>);
  await userEvent.dblClick(screen.getByRole('button', { name: 'Gem' }));
  expect(click).toHaveBeenCalledTimes(1);
  expect(screen.getByRole('button', { name: 'Gem' })).toHaveFocus();
});

test('a pending button does not submit its form', async () => {
  const submit = vi.fn((event: React.SyntheticEvent) => event.preventDefault());
  render(<form onSubmit={submit}><Button type="submit" pending>Gem</Button></form>);
  await userEvent.click(screen.getByRole('button', { name: 'Gem' }));
  expect(submit).not.toHaveBeenCalled();
});

test('the error summary takes the focus at each failed attempt and leads to the field', async () => {
  function Form() {
    const [attempt, setAttempt] = useState(0);
    return (
      <>
        <ErrorSummary problems={attempt > 0 ? [{ field: 'name', text: 'Skriv et navn' }] : []} attempt={attempt} />
        <TextField id="name" label="Navn" />
        <Button onClick={() => setAttempt(attempt + 1)}>Gem</Button>
      </>
    );
  }
  render(<Form />);
  await userEvent.click(screen.getByRole('button', { name: 'Gem' }));
  expect(screen.getByRole('alert')).toHaveFocus();
  await userEvent.click(screen.getByRole('link', { name: 'Skriv et navn' }));
  expect(screen.getByRole('textbox', { name: 'Navn' })).toHaveFocus();
  await userEvent.click(screen.getByRole('button', { name: 'Gem' }));
  expect(screen.getByRole('alert')).toHaveFocus();
});

test('a file is chosen by the native control, whose name is the page’s', async () => {
  const change = vi.fn();
  render(<FileField label="Nøglefil" hint="Ender på .p12" accept=".p12" file={undefined} onChange={change} />);
  const control = screen.getByLabelText(/Nøglefil Vælg fil/);
  expect(control).toHaveAccessibleDescription('Ender på .p12 eller træk filen hertil');
  const file = new File(['x'], 'min.p12');
  await userEvent.upload(control, file);
  expect(change).toHaveBeenCalledWith(file);
});

test('a date is one group of three named fields', async () => {
  const change = vi.fn();
  render(<DateField label="Frist" value={noDate} onChange={change} />);
  const group = screen.getByRole('group', { name: 'Frist' });
  await userEvent.type(within(group).getByRole('textbox', { name: 'Måned' }), '6');
  expect(change).toHaveBeenCalledWith({ day: '', month: '6', year: '' });
});

test('steps tell which one is current and which are done', () => {
  render(<Steps names={['Invitation', 'Adgangskode', 'Færdig']} current={1} />);
  const [first, second] = screen.getAllByRole('listitem');
  expect(within(first as HTMLElement).getByRole('img', { name: 'Gennemført' })).toBeInTheDocument();
  expect(second).toHaveAttribute('aria-current', 'step');
});

test('a table has a caption, and every cell the name of its column', () => {
  const columns = [
    { heading: 'Navn', rowHeading: true, cell: (row: { name: string; rid: string }) => row.name },
    { heading: 'RID', cell: (row: { rid: string }) => row.rid },
  ];
  render(<Table caption="Medarbejdere" columns={columns} rows={[{ name: 'Åse', rid: '42' }]} rowKey={(row) => row.rid} />);
  expect(screen.getByRole('table', { name: 'Medarbejdere' })).toBeInTheDocument();
  expect(screen.getByRole('rowheader', { name: 'Åse' })).toHaveAttribute('data-title', 'Navn');
  expect(screen.getByRole('cell', { name: '42' })).toHaveAttribute('data-title', 'RID');
});

test('charts say their numbers as text, also when there are none', () => {
  const shares = [
    { state: 'invited', label: 'Inviteret', count: 1500 },
    { state: 'failed', label: 'Fejl', count: 0 },
  ] as const;
  render(<StackedBar shares={[...shares]} label="1.500 af 1.500" />);
  expect(screen.getByRole('img', { name: '1.500 af 1.500' })).toBeInTheDocument();
  expect(screen.getByRole('listitem')).toHaveTextContent('Inviteret: 1.500');
  render(<Funnel total={0} steps={[{ state: 'activated', label: 'Aktiveret', count: 0 }]} />);
  expect(screen.getByText('af 0 (0 %)', { normalizer: (text) => text.replace(/\s/g, ' ') })).toBeInTheDocument();
});
