import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import { filterFieldIds } from '../../src/expression/field-ids.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { Schema } from '../../src/schema/schema.js'

const schema = new Schema(['a', 'b', 'c'].map((name, index) => ({ id: index + 1, name, type: { kind: 'int' }, required: false })))
const idsOf = (where: string): readonly number[] => [...filterFieldIds(bind(parseWhere(where), schema))].sort()

describe('the columns that a filter reads', () => {
  it('are those of all its predicates, of transforms too, each once', () => {
    expect(idsOf('a = 1 and (bucket(c, 4) = 2 or a > 7)')).toEqual([1, 3])
    expect(idsOf('true')).toEqual([])
  })
})
