import type { Overload } from './define.ts'
import { type Functions, functionsOf } from './functions/all.ts'
import type { CelType, ObjectType } from './type.ts'

/** What an expression may speak of. */
export interface Environment {
  /** Variables with their types; objects that are only known when they come are `dyn`. */
  readonly variables: ReadonlyMap<string, CelType>
  readonly functions: Functions
  /** Objects that an expression may make, `Name{field: value}`, by name. */
  readonly objects: (name: string) => ObjectType | undefined
}

export interface EnvironmentOptions {
  readonly objects?: (name: string) => ObjectType | undefined
  /** Functions beyond Kubernetes' own. */
  readonly functions?: readonly Overload[]
}

/** An environment with all libraries of Kubernetes. */
export function environmentOf(variables: Readonly<Record<string, CelType>>, { objects, functions }: EnvironmentOptions = {}): Environment {
  return {
    variables: new Map(Object.entries(variables)),
    functions: functionsOf(functions),
    objects: objects ?? (() => undefined),
  }
}
