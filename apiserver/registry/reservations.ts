import type { KubeObject } from '../../shared/objects/object.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission/admission.ts'
import type { HookContext, Reservation, ResourceHooks } from './define-resource.ts'

/** What one write holds while it is on its way. */
export interface Held {
  /** Whether the kind wrote into the object what it took: its text is another then. */
  readonly isChanged: boolean
  /** The write is done: what the kind took is the object's now, what admission kept free for it is found in the store. */
  stored(): void
  failed(): void
}

interface Wish {
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
  readonly context: HookContext
  readonly hooks: ResourceHooks<KubeObject>
  readonly rules: readonly AdmissionRule[]
  readonly asked: AdmissionRequest
}

/**
 * The last step before a write: everything of which there is only one is taken, so that of two writes that both passed validation one is
 * refused. @throws StatusError Invalid, and then nothing stays taken
 */
export function reserveAll({ object, previous, context, hooks, rules, asked }: Wish): Held {
  const ends: (() => void)[] = []
  const end = () => {
    for (const step of ends.splice(0)) step()
  }
  let own: Reservation | undefined
  try {
    for (const rule of rules) {
      const done = rule.reserve?.(asked)
      if (done) ends.push(done)
    }
    own = hooks.reserve?.(object, previous, context)
  } catch (error) {
    end()
    throw error
  }
  return {
    isChanged: own !== undefined,
    stored: end,
    failed() {
      own?.release()
      end()
    },
  }
}
