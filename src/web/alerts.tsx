import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { keep, readKept } from './kept.ts';

type Choice = { readonly sound: boolean; readonly notification: boolean };

const KEY = 'alerts';
const readChoice = (): Choice => {
  const kept = (readKept(KEY) ?? '').split(' ');
  return { sound: kept.includes('sound'), notification: kept.includes('notification') };
};

/** Whether the browser lets this page show notifications: only over HTTPS or from the own machine. */
const canNotify = (): boolean => 'Notification' in globalThis && isSecureContext;

type AlertsProps = {
  /** Null while it is not known. */
  readonly isDown: boolean | null;
  readonly title: string;
};

/** Lets the reader choose to be alerted when something goes down, by sound or by a desktop notification. */
export function Alerts({ isDown, title }: AlertsProps): JSX.Element {
  const [choice, setChoice] = useState(readChoice);
  const [problem, setProblem] = useState('');
  const wasDown = useRef<boolean | null>(null);

  useEffect(() => {
    if (isDown === null) return;
    // What was down when the page was opened, or before the connection was lost, is no news.
    if (isDown && wasDown.current === false) {
      if (choice.notification && canNotify() && Notification.permission === 'granted') notify(title);
      if (choice.sound) beep();
    }
    wasDown.current = isDown;
  }, [isDown]);

  function choose(next: Choice): void {
    setChoice(next);
    keep(KEY, [...(next.sound ? ['sound'] : []), ...(next.notification ? ['notification'] : [])].join(' '));
  }

  async function chooseNotification(on: boolean): Promise<void> {
    const isAllowed = !on || (canNotify() && (await Notification.requestPermission()) === 'granted');
    setProblem(isAllowed ? '' : 'The browser does not allow notifications of this page.');
    choose({ ...choice, notification: on && isAllowed });
  }

  return (
    <details class="menu">
      <summary>Alerts{choice.sound || choice.notification ? ' on' : ''}</summary>
      <div>
        <p class="note">When something goes down, while this page is open:</p>
        <label>
          <input
            type="checkbox"
            checked={choice.sound}
            onChange={({ currentTarget: { checked } }) => {
              choose({ ...choice, sound: checked });
              if (checked) beep();
            }}
          />{' '}
          play a sound
        </label>
        <label>
          <input
            type="checkbox"
            checked={choice.notification}
            disabled={!canNotify()}
            onChange={({ currentTarget: { checked } }) => void chooseNotification(checked)}
          />{' '}
          show a desktop notification
        </label>
        {canNotify() ? null : <p class="note">Notifications need HTTPS, or a page on the own machine.</p>}
        {problem === '' ? null : <p class="note bad">{problem}</p>}
      </div>
    </details>
  );
}

function notify(title: string): void {
  // Phones offer notifications only to service workers, and throw.
  try {
    new Notification(title, { tag: 'rollwatch' });
  } catch {
    beep();
  }
}

/** Frequencies in Hz and their start in seconds: a falling third, twice. */
const TONES = [
  [880, 0],
  [698, 0.18],
  [880, 0.5],
  [698, 0.68],
] as const;
const TONE_SECONDS = 0.16;

function beep(): void {
  const audio = new AudioContext();
  const volume = audio.createGain();
  volume.gain.value = 0.15;
  volume.connect(audio.destination);
  for (const [frequency, at] of TONES) {
    const tone = audio.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + TONE_SECONDS);
  }
  setTimeout(() => void audio.close(), 2000);
}

const SHAPES = {
  up: { colour: '#1f9e7a', path: 'M4 8.5l3 3 5-6' },
  down: { colour: '#c43c12', path: 'M8 3v8M4.5 8L8 12l3.5-4' },
  unknown: { colour: '#66748a', path: 'M6 6a2 2 0 1 1 2.5 2v1.5M8.3 12v.1' },
} as const;

/** Shows the state in the icon of the tab, by colour and shape. */
export function showIcon(state: keyof typeof SHAPES): void {
  const { colour, path } = SHAPES[state];
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='3' fill='${colour}'/><path d='${path}' fill='none' stroke='white' stroke-width='2'/></svg>`;
  document.querySelector('link[rel=icon]')?.setAttribute('href', `data:image/svg+xml,${encodeURIComponent(svg)}`);
}
