{% macro query_type(type) %}
    {#- From the inside out, so that no commas and colons of inner types are left when an outer type is rewritten. -#}
    {%- set names = {'string': 'varchar', 'int': 'integer', 'float': 'real', 'binary': 'varbinary', 'timestamp': 'timestamp(6)'} -%}
    {%- set spelled = namespace(type=modules.re.sub('\\s+', '', type | lower)) -%}
    {%- for name, word in names.items() -%}
        {%- set spelled.type = modules.re.sub('\\b' ~ name ~ '\\b(?![(:])', word, spelled.type) -%}
    {%- endfor -%}
    {%- for _ in range(spelled.type.count('<')) -%}
        {%- set inner = modules.re.search('(array|map|struct)<([^<>]*)>', spelled.type) -%}
        {%- set fields = inner[2] if inner[1] != 'struct' else modules.re.sub('(^|,)(\\w+):', '\\1"\\2" ', inner[2]) -%}
        {%- set spelled.type = spelled.type.replace(inner[0], inner[1].replace('struct', 'row') ~ '(' ~ fields ~ ')') -%}
    {%- endfor -%}
    {{ return(spelled.type) }}
{% endmacro %}
