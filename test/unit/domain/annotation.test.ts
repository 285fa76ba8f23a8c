import { describe, expect, it } from 'vitest';
import { type Annotation, taskOfAnnotation } from '../../../src/domain/upgrade/annotation.ts';

const annotation = (facts: Partial<Annotation>): Annotation => ({
  id: 7,
  time: 1000,
  timeEnd: 1000,
  text: '',
  tags: [],
  data: null,
  dashboardUid: '',
  panelId: 0,
  created: 0,
  updated: 0,
  deleted: false,
  ...facts,
});

describe('the task that an annotation tells of', () => {
  it("is a playbook, as community.grafana's callback tells of it: one, from its start to its report", () => {
    const began = annotation({
      text: "Started playbook pb.yml\n\nFrom 'vm'\nBy user 'root'\n",
      tags: ['ansible', 'ansible_event_start', 'pb.yml', 'vm'],
    });
    const ended = annotation({
      id: 8,
      timeEnd: 4000,
      text: 'Playbook pb.yml\nDuration: 2.574034\nStatus: FAILED\n',
      tags: ['ansible', 'ansible_report', 'pb.yml', 'vm'],
    });
    const common = {
      id: 'grafana-pb.yml-vm-1000',
      name: 'playbook pb.yml',
      role: null,
      play: null,
      playbook: 'pb.yml',
    };
    const rest = { hosts: ['vm'], tags: [], kind: 'task', start: 1000, source: 'grafana' };
    expect(taskOfAnnotation(began)).toEqual({ ...common, ...rest, status: 'running', end: null });
    expect(taskOfAnnotation(ended)).toEqual({ ...common, ...rest, status: 'failed', end: 4000 });
    expect(taskOfAnnotation({ ...ended, text: 'Playbook pb.yml\nStatus: OK\n' })?.status).toBe('ok');
  });

  it('is any other stretch of time or moment, by its first line', () => {
    expect(
      taskOfAnnotation(annotation({ text: 'Stop nova-api\nby hand', timeEnd: 3000, tags: ['ops'] })),
    ).toMatchObject({
      id: 'annotation-7',
      name: 'Stop nova-api',
      start: 1000,
      end: 3000,
      tags: ['ops'],
      status: 'unknown',
    });
  });

  it.each([
    ['a failure within a playbook', { tags: ['ansible', 'ansible_event_failure', 'pb.yml', 'vm'] }],
    ['one that we pushed ourselves', { text: 'down', tags: ['rollwatch', 'downtime'] }],
    ['a deleted one', { text: 'x', deleted: true }],
  ])('is none for %s', (_what, facts) => {
    expect(taskOfAnnotation(annotation(facts))).toBeNull();
  });
});
