{% macro contract_rules(staged, merges) %}
    {%- set rules = [] -%}
    {%- for column in model.columns.values() -%}
        {%- for constraint in column.constraints -%}
            {%- do rules.append(contract_rule(constraint, [column.name], staged, merges)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for constraint in model.constraints -%}
        {%- do rules.append(contract_rule(constraint, constraint.columns, staged, merges)) -%}
    {%- endfor -%}
    {{ return(rules) }}
{% endmacro %}
