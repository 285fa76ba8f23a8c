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

describe('taskOfAnnotation', () => {
  it("returns one playbook for the start and the report of community.grafana's callback", () => {
    const started = annotation({
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
    const rest = { hosts: ['vm'], groups: [], tags: [], kind: 'task', start: 1000, source: 'grafana' };
    expect(taskOfAnnotation(started)).toEqual({ ...common, ...rest, status: 'running', end: null });
    expect(taskOfAnnotation(ended)).toEqual({ ...common, ...rest, status: 'failed', end: 4000 });
    expect(taskOfAnnotation({ ...ended, text: 'Playbook pb.yml\nStatus: OK\n' })?.status).toBe('ok');
  });

  it('returns any other annotation as a task named by its first line', () => {
    expect(
      taskOfAnnotation(annotation({ text: 'Stop nova-api\nby hand', timeEnd: 3000, tags: ['ops'] })),
    ).toMatchObject({
      id: 'annotation-7',
      name: 'Stop nova-api',
      start: 1000,
      end: 3000,
      groups: [],
      tags: ['ops'],
      status: 'unknown',
    });
  });

  it.each([
    ['a failure within a playbook', { tags: ['ansible', 'ansible_event_failure', 'pb.yml', 'vm'] }],
    ['one that Rollwatch pushed', { text: 'down', tags: ['rollwatch', 'downtime'] }],
    ['a deleted one', { text: 'x', deleted: true }],
  ])('returns null for %s', (_what, facts) => {
    expect(taskOfAnnotation(annotation(facts))).toBeNull();
  });
});
