import type { ConfigOf } from '../../shared/process/config.ts'
import { choice, decimal, duration, integer, list, path, text } from '../../shared/process/setting.ts'
import { MOST_SPEED } from './pacer.ts'

/** Flags of a forecast. */
export const settings = {
  kubeconfig: path('the live cluster, and who reads it; default: KUBECONFIG, or that of make up'),
  namespaces: list('where to look for what may not be listed in all namespaces', ['default']),
  maxBytes: integer('bytes of JSON that are copied at most; a fork takes eight to twelve times as much memory', 200 * 2 ** 20, 1),
  run: text('a shell command; its KUBECONFIG is the fork’s'),
  nodeDies: list('nodes that lose power, before the command'),
  for: duration('how long the fork is watched afterwards, on its own clock', 5 * 60_000),
  speed: decimal(
    'seconds of the fork for each second outside, while a command or a person is at work; 0: time stands still',
    10,
    0,
    MOST_SPEED,
  ),
  output: choice('how the forecast is printed', ['text', 'json'], 'text'),
  podStart: duration('from when a pod is placed until it is ready', 5_000),
  podStop: duration('from when a pod is deleted until it has ended', 1_000),
  jobDuration: duration('how long a pod runs that is not restarted', 60_000),
} as const

export type WhatIfConfig = ConfigOf<typeof settings>
