import type { Millis } from '../time.ts';
import { type Annotation, isNote } from '../upgrade/annotation.ts';

/**
 * What somebody noted during the run. It is an annotation with the tag `note`; further tags say which incident it is
 * about, and that this person takes care of it.
 */
export type Note = {
  readonly id: number;
  readonly at: Millis;
  readonly text: string;
  /** The id of an incident, or null. */
  readonly incident: string | null;
  /** Whether it acknowledges that incident. */
  readonly acknowledges: boolean;
};

export const ACKNOWLEDGED_TAG = 'acknowledged';
const INCIDENT_TAG = /^incident-/;

/** Returns the notes among annotations, by time. */
export const notesOf = (annotations: Iterable<Annotation>): readonly Note[] =>
  [...annotations]
    .filter((annotation) => isNote(annotation) && !annotation.deleted)
    .map(({ id, time, text, tags }): Note => {
      const incident = tags.find((tag) => INCIDENT_TAG.test(tag)) ?? null;
      return { id, at: time, text, incident, acknowledges: incident !== null && tags.includes(ACKNOWLEDGED_TAG) };
    })
    .sort((a, b) => a.at - b.at || a.id - b.id);
