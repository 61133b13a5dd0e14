import { type RequiredObject, required } from './ensure.ts'

/** Above this value only system classes may be. */
const HIGHEST_FOR_USERS = 1_000_000_000

/** The two classes for what the cluster itself cannot be without. */
export function requiredPriorityClasses(): RequiredObject[] {
  const critical = (name: string, value: number, description: string) =>
    required('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name }, value, description, preemptionPolicy: 'PreemptLowerPriority' })
  return [
    critical('system-cluster-critical', 2 * HIGHEST_FOR_USERS, 'For Pods the cluster cannot work without, wherever they run.'),
    critical(
      'system-node-critical',
      2 * HIGHEST_FOR_USERS + 1000,
      'For Pods their node cannot work without; the highest priority there is.',
    ),
  ]
}
