import type { ComponentChildren, JSX } from 'preact';

/** Which parts of the page are open; kept in the page's address. */
export type Folds = {
  isOpen(id: string, otherwise: boolean): boolean;
  set(id: string, open: boolean): void;
};

type FoldProps = {
  readonly id: string;
  readonly title: string;
  /** What the part contains, in a few words, so that a reader knows whether to open it. */
  readonly note?: string;
  readonly folds: Folds;
  /** Whether it is open unless the reader has chosen otherwise. */
  readonly open?: boolean;
  readonly children: ComponentChildren;
};

/** Shows a section that opens and closes with its title. */
export function Fold({ id, title, note = '', folds, open = false, children }: FoldProps): JSX.Element {
  const isOpen = folds.isOpen(id, open);
  return (
    <section aria-labelledby={`${id}-title`}>
      <details
        class="fold"
        open={isOpen}
        onToggle={({ currentTarget }) => {
          // Printing opens every part for a moment, which the reader did not choose.
          if (currentTarget.open !== isOpen && currentTarget.dataset['printed'] === undefined)
            folds.set(id, currentTarget.open);
        }}
      >
        <summary>
          <h2 id={`${id}-title`}>{title}</h2>
          {note === '' ? null : <span class="note">{note}</span>}
        </summary>
        {children}
      </details>
    </section>
  );
}

/** Opens every part while the page is printed, as paper cannot be unfolded. Returns a function that stops that. */
export function unfoldForPrint(): () => void {
  const opened: HTMLDetailsElement[] = [];
  const before = () => {
    for (const part of document.querySelectorAll<HTMLDetailsElement>('details.fold:not([open])')) {
      part.dataset['printed'] = '';
      part.open = true;
      opened.push(part);
    }
  };
  const after = () => {
    for (const part of opened.splice(0)) {
      part.open = false;
      delete part.dataset['printed'];
    }
  };
  addEventListener('beforeprint', before);
  addEventListener('afterprint', after);
  return () => {
    removeEventListener('beforeprint', before);
    removeEventListener('afterprint', after);
  };
}
