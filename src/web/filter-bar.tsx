import type { JSX } from 'preact';
import type { ApiReport } from '../api/report.ts';
import { causeLabel } from '../format/causes.ts';
import { choices, type Filter, isFiltering, NO_FILTER } from './filter.ts';

type FilterBarProps = {
  readonly report: ApiReport;
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
};

/** Selects what is shown of incidents, series, windows and tasks. */
export function FilterBar({ report, filter, onFilter }: FilterBarProps): JSX.Element {
  const change = (part: Partial<Filter>) => onFilter({ ...filter, ...part });
  const causes = report.windows.flatMap((window) => window.causes.map(causeLabel));
  return (
    <search class="filter" aria-label="Filter">
      <input
        type="search"
        placeholder="Task, cause or host"
        aria-label="Search tasks, causes, hosts"
        value={filter.text}
        onInput={({ currentTarget: { value } }) => change({ text: value })}
      />
      {report.run.clouds.length > 1 || filter.cloud !== '' ? (
        <Choice
          name="cloud"
          value={filter.cloud}
          values={choices(report.run.clouds)}
          onChoice={(cloud) => change({ cloud })}
        />
      ) : null}
      <Choice
        name="probe"
        value={filter.probe}
        values={choices(report.probes.map(({ probe }) => probe))}
        onChoice={(probe) => change({ probe })}
      />
      <Choice name="cause" value={filter.cause} values={choices(causes)} onChoice={(cause) => change({ cause })} />
      <label>
        <input
          type="checkbox"
          checked={filter.onlyDown}
          onChange={({ currentTarget: { checked } }) => change({ onlyDown: checked })}
        />{' '}
        only DOWN
      </label>
      {isFiltering(filter) ? (
        <button type="button" onClick={() => onFilter(NO_FILTER)}>
          Clear
        </button>
      ) : null}
    </search>
  );
}

type ChoiceProps = {
  readonly name: string;
  readonly value: string;
  readonly values: readonly string[];
  readonly onChoice: (value: string) => void;
};

/** Offers the values that occur, and the chosen one even if it does not. */
function Choice({ name, value, values, onChoice }: ChoiceProps): JSX.Element {
  const offered = value === '' || values.includes(value) ? values : [value, ...values];
  return (
    <select aria-label={name} value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
      <option value="">any {name}</option>
      {offered.map((other) => (
        <option key={other} value={other}>
          {other}
        </option>
      ))}
    </select>
  );
}
