import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiReport } from '../api/report.ts';
import { isTimeZone } from '../domain/time.ts';
import { cloudNames } from './answer.ts';
import type { Source } from './state.ts';
import { zones } from './time-format.ts';

type HeaderProps = {
  readonly report: ApiReport | null;
  readonly source: Source;
  readonly zone: string;
  readonly onZone: (zone: string) => void;
  /** Further controls. */
  readonly children: ComponentChildren;
};

/** Shows what is watched from where, and what a reader can choose for the whole page. */
export function Header({ report, source, zone, onZone, children }: HeaderProps): JSX.Element {
  const run = report?.run;
  const places = run === undefined ? '' : `${cloudNames(run.clouds)} from ${run.vantages.join(', ')}`;
  return (
    <header class="top">
      <h1>Rollwatch</h1>
      <p title={places}>{report !== null && report.probes.length > 0 ? places : ''}</p>
      <div class="controls">
        {report === null ? null : <TicketButton source={source} zone={zone} />}
        {children}
        <ZoneInput zone={zone} onZone={onZone} />
      </div>
    </header>
  );
}

/** Takes any IANA time zone, and suggests those that the browser knows. */
function ZoneInput({ zone, onZone }: Pick<HeaderProps, 'zone' | 'onZone'>): JSX.Element {
  const [text, setText] = useState(zone);
  // There are hundreds of zones, which would delay the first frame.
  const [offered, setOffered] = useState<readonly string[]>([]);
  useEffect(() => setText(zone), [zone]);
  const isValid = isTimeZone(text.trim());
  return (
    <label class="zone">
      <span class="visually-hidden">Time zone</span>
      <input
        list="zones"
        value={text}
        size={Math.max(8, text.length + 2)}
        spellcheck={false}
        aria-invalid={!isValid}
        title={isValid ? 'Time zone of all times' : `${text} is not an IANA time zone such as Europe/Berlin`}
        onFocus={({ currentTarget }) => {
          currentTarget.select();
          setOffered(zones());
        }}
        onInput={({ currentTarget: { value } }) => {
          setText(value);
          if (isTimeZone(value.trim())) onZone(value.trim());
        }}
        onBlur={() => setText(zone)}
      />
      <datalist id="zones">
        {offered.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}

type Ticket = { readonly state: 'ready' | 'copied' } | { readonly state: 'text' | 'problem'; readonly text: string };

const COPIED_MS = 2500;

/** Copies a summary in five lines of Markdown. */
function TicketButton({ source, zone }: Pick<HeaderProps, 'source' | 'zone'>): JSX.Element {
  const [ticket, setTicket] = useState<Ticket>({ state: 'ready' });

  async function copy(): Promise<void> {
    let text: string;
    try {
      text = await source.ticket(zone);
    } catch (error) {
      setTicket({ state: 'problem', text: error instanceof Error ? error.message : String(error) });
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      setTicket({ state: 'copied' });
      setTimeout(() => setTicket({ state: 'ready' }), COPIED_MS);
    } catch {
      // The browser lets a page copy only over HTTPS or from the own machine.
      setTicket({ state: 'text', text });
    }
  }

  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {ticket.state === 'copied' ? 'Copied' : 'Copy for a ticket'}
      </button>
      <span class="visually-hidden" role="status">
        {ticket.state === 'copied' ? 'Copied' : ''}
      </span>
      {ticket.state === 'problem' ? <span class="bad">{ticket.text}</span> : null}
      {ticket.state === 'text' ? (
        <div class="ticket">
          <textarea
            readOnly
            rows={7}
            aria-label="Summary for a ticket"
            value={ticket.text}
            ref={(element) => element?.select()}
          />
          <button type="button" onClick={() => setTicket({ state: 'ready' })}>
            Close
          </button>
        </div>
      ) : null}
    </>
  );
}
