{% macro keep_failures(staged, rules) %}
    {%- set broken = rules | selectattr('broken') | map(attribute='broken') | list -%}
    {%- if not broken -%}{{ return('') }}{%- endif -%}
    {%- set failures = api.Relation.create(
        database=target.database, schema=consumed_relation().schema,
        identifier=this.schema ~ '_' ~ this.identifier ~ '_failures', type='table'
    ) -%}
    {%- do drop_relation(failures) -%}
    {%- set rows = 'select * from ' ~ staged ~ ' where (' ~ broken | join(') or (') ~ ')' -%}
    {%- do run_query(create_table_as(true, failures, rows, 'sql', true)) -%}
    {{ return(failures.schema ~ '.' ~ failures.identifier) }}
{% endmacro %}
