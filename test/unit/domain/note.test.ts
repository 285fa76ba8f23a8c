import { describe, expect, it } from 'vitest';
import { notesOf } from '../../../src/domain/run/note.ts';
import { type Annotation, taskOfAnnotation } from '../../../src/domain/upgrade/annotation.ts';
import { noteText } from '../../../src/format/incidents.ts';
import { BEGAN, report, window } from '../../support/live.ts';

const annotation = (facts: Partial<Annotation>): Annotation => ({
  id: 1,
  time: BEGAN,
  timeEnd: BEGAN,
  text: 'drained the load balancer',
  tags: ['note'],
  data: null,
  dashboardUid: '',
  panelId: 0,
  created: BEGAN,
  updated: BEGAN,
  deleted: false,
  ...facts,
});

describe('notes', () => {
  it('are the annotations with the tag note, by time, without deleted ones', () => {
    const notes = notesOf([
      annotation({ id: 3, time: BEGAN + 2000, tags: ['note', 'incident-1', 'acknowledged'] }),
      annotation({ id: 2 }),
      annotation({ id: 4, deleted: true }),
      annotation({ id: 5, tags: ['deployment'] }),
    ]);
    expect(notes).toEqual([
      { id: 2, at: BEGAN, text: 'drained the load balancer', incident: null, acknowledges: false },
      { id: 3, at: BEGAN + 2000, text: 'drained the load balancer', incident: 'incident-1', acknowledges: true },
    ]);
  });

  it('acknowledge nothing without an incident', () => {
    expect(notesOf([annotation({ tags: ['note', 'acknowledged'] })])[0]?.acknowledges).toBe(false);
  });

  it('are no tasks', () => {
    expect(taskOfAnnotation(annotation({}))).toBeNull();
    expect(taskOfAnnotation(annotation({ tags: ['deployment'] }))).not.toBeNull();
  });

  it('are described with the incident that they are about', () => {
    const { incidents } = report({ windows: [window()] });
    const about = { text: 'looking into it, Ana', incident: incidents[0]?.id ?? null, acknowledges: true };
    const options = { incidents, time: () => '07:15:00' };
    expect(noteText(about, options)).toBe('looking into it, Ana (acknowledges the incident from 07:15:00)');
    expect(noteText({ ...about, acknowledges: false }, options)).toMatch(/\(about the incident from 07:15:00\)$/);
    expect(noteText({ ...about, incident: 'gone' }, options)).toBe('looking into it, Ana');
  });
});
