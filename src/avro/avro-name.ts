const LETTER = /\p{L}/u
const DIGIT = /\p{Nd}/u

/**
 * The Avro name of a field: `name` itself where Java's `Character.isLetterOrDigit` admits it, else with every other UTF-16
 * unit spelt `_x` and its hexadecimal value, and a leading digit after an underscore.
 *
 * Source: AvroSchemaUtil.makeCompatibleName of the Java reference.
 */
export function sanitizeAvroName(name: string): string {
  let sanitized = ''
  for (let i = 0; i < name.length; i++) {
    // Java looks at one UTF-16 unit at a time, so a surrogate is never a letter.
    const unit = name[i]!
    if (unit === '_' || LETTER.test(unit) || (i > 0 && DIGIT.test(unit))) sanitized += unit
    else if (DIGIT.test(unit)) sanitized += `_${unit}`
    else sanitized += `_x${name.charCodeAt(i).toString(16).toUpperCase()}`
  }
  return sanitized
}
