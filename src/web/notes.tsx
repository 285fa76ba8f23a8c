import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiReport } from '../api/report.ts';
import { counted } from '../format/quantities.ts';
import type { Source } from './state.ts';
import type { TimeFormat } from './time-format.ts';

type NotesProps = {
  readonly incident: string;
  readonly notes: ApiReport['notes'];
  readonly source: Source;
  readonly times: TimeFormat;
};

/** Shows what was noted about an incident, latest first, and takes further notes; a file takes none. */
export function Notes({ incident, notes, source, times }: NotesProps): JSX.Element {
  const [all, setAll] = useState(false);
  const own = notes.filter((note) => note.incident === incident).toReversed();
  const shown = all ? own : own.slice(0, 1);
  return (
    <small class="notes">
      {shown.map(({ id, at, text, acknowledges }) => (
        <span key={id}>
          {times.time(Date.parse(at))} {acknowledges ? 'acknowledged: ' : ''}
          {text}
        </span>
      ))}
      {own.length > shown.length ? (
        <button type="button" class="link" onClick={() => setAll(true)}>
          {counted(own.length - shown.length, 'earlier note')}
        </button>
      ) : null}
      {source.addNote === null ? null : (
        <NoteForm
          onAdd={(text, acknowledges) => source.addNote?.({ incident, text, acknowledges })}
          isAcknowledged={own.some(({ acknowledges }) => acknowledges)}
        />
      )}
    </small>
  );
}

type NoteFormProps = {
  readonly onAdd: (text: string, acknowledges: boolean) => Promise<void> | undefined;
  readonly isAcknowledged: boolean;
};

/** A line of text behind a click; the first note may acknowledge the incident. */
function NoteForm({ onAdd, isAcknowledged }: NoteFormProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');

  async function add(acknowledges: boolean): Promise<void> {
    try {
      await onAdd(text.trim() === '' ? 'acknowledged' : text.trim(), acknowledges);
      setText('');
      setProblem('');
      setOpen(false);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  if (!isOpen)
    return (
      <button type="button" class="link" onClick={() => setOpen(true)}>
        {isAcknowledged ? 'Add a note' : 'Acknowledge or add a note'}
      </button>
    );
  return (
    <form
      class="note-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void add(false);
      }}
    >
      <label>
        <span class="visually-hidden">Note</span>
        <input
          value={text}
          maxLength={500}
          placeholder="A note for the report"
          onInput={({ currentTarget: { value } }) => setText(value)}
        />
      </label>
      <button type="submit" disabled={text.trim() === ''}>
        Add
      </button>
      {isAcknowledged ? null : (
        <button type="button" onClick={() => void add(true)}>
          Acknowledge
        </button>
      )}
      {problem === '' ? null : <span role="alert">{problem}</span>}
    </form>
  );
}
