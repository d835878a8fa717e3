/** What one step did, as far as others can tell: by location, and by names for all else that an order decides. */
export class StepEffects {
  readonly looks = new Set<string>()
  /** Of everything below them. */
  readonly folders = new Set<string>()
  readonly changes = new Set<string>()
}

/**
 * Whether two steps, in the state that both were taken in, give the same whichever comes first: neither changes what the other
 * looks at or changes. A conditional write that is refused has only looked.
 */
export function areIndependent(one: StepEffects, other: StepEffects): boolean {
  return !disturbs(one, other) && !disturbs(other, one)
}

function disturbs({ changes }: StepEffects, { looks, folders, changes: others }: StepEffects): boolean {
  for (const location of changes) {
    if (looks.has(location) || others.has(location)) return true
    for (const folder of folders) if (location.startsWith(folder)) return true
  }
  return false
}
