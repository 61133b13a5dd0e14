import type { Overload } from '../define.ts'
import { access } from './access.ts'
import { authorization } from './authorizer.ts'
import { conversions } from './conversions.ts'
import { encoders } from './encoders.ts'
import { namedFormats } from './format.ts'
import { lazy } from './lazy.ts'
import { lists } from './lists.ts'
import { math } from './math.ts'
import { network } from './network.ts'
import { operators } from './operators.ts'
import { quantities } from './quantity.ts'
import { regex } from './regex.ts'
import { versions } from './semver.ts'
import { sets } from './sets.ts'
import { strings } from './strings.ts'
import { time } from './time.ts'
import { urls } from './url.ts'

/** The ways to call each function, by its name. */
export type Functions = ReadonlyMap<string, readonly Overload[]>

const everywhere: Functions = byName([
  ...[operators, lazy, access, conversions, time, strings, regex, lists, sets, math, encoders].flat(),
  ...[quantities, urls, network, versions, namedFormats, authorization].flat(),
])

/** The language's functions, Kubernetes' libraries, and these. */
export function functionsOf(further: readonly Overload[] = []): Functions {
  if (further.length === 0) return everywhere
  return byName([...[...everywhere.values()].flat(), ...further])
}

function byName(overloads: readonly Overload[]): Functions {
  const known = new Map<string, Overload[]>()
  for (const each of overloads) known.set(each.name, [...(known.get(each.name) ?? []), each])
  return known
}
