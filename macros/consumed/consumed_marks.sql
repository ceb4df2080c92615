{% macro consumed_marks() %}
    {%- set pattern = '/[*] consumes ([^ ]+) of "([^"]*)": (batch|snapshot) ([0-9]+) after ([0-9]+) [*]/' -%}
    {%- set marks = [] -%}
    {%- for input, table_uuid, kind, head, consumed in modules.re.findall(pattern, model.compiled_code or '') | unique -%}
        {%- do marks.append({
            'input': input, 'table_uuid': table_uuid, 'kind': kind, 'head': head | int, 'consumed': consumed | int
        }) -%}
    {%- endfor -%}
    {{ return(marks) }}
{% endmacro %}
