import type { KubeObject } from '../objects/object.ts'

/**
 * Writes Events about objects, as people see them in `kubectl describe`. Repeats are counted on one Event
 * instead of stored again; a failure to write is logged, never thrown: an Event is a courtesy.
 */
export interface EventRecorder {
  /** `fieldPath` names a part of the object, e.g. `spec.containers{nginx}`. */
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, options?: { fieldPath?: string }): void
  /** Resolves when all that was recorded has been written or, where the server does not answer at once, given up. */
  flush(): Promise<void>
}

/** A recorder that keeps nothing. */
export function silentRecorder(): EventRecorder {
  return { record() {}, flush: async () => {} }
}
