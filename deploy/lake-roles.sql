-- Roles of a lake's catalog in PostgreSQL, each with what it needs and no more. Run it in the lake's
-- database as its owner, after `flightkeeper lake init` as the owner, and again after an update:
--
--     psql --dbname lake --file lake-roles.sql
--
-- Then give those that you use a password (\password lake_writer), and name them in the nodes' URLs:
--
--     lake_reader      nodes with --read-only
--     lake_writer      nodes that write; they cannot take anything out of the catalog
--     lake_maintainer  nodes that may do the upkeep, or `flightkeeper lake maintain` now and then

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['lake_reader', 'lake_writer', 'lake_maintainer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        END IF;
    END LOOP;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO lake_reader, lake_writer, lake_maintainer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO lake_reader;

-- Rows of small changes are in tables that DuckLake makes when it needs them.
GRANT CREATE ON SCHEMA public TO lake_writer;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO lake_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE lake_writer IN SCHEMA public
    GRANT SELECT ON TABLES TO lake_reader;
-- The lake's own triggers fill it, with the rights of its owner.
REVOKE INSERT, UPDATE ON flightkeeper_column_stats FROM lake_writer;

-- What writers may, and take things out.
GRANT lake_writer TO lake_maintainer;
GRANT DELETE ON ALL TABLES IN SCHEMA public TO lake_maintainer;
REVOKE DELETE ON flightkeeper_column_stats FROM lake_maintainer;
ALTER DEFAULT PRIVILEGES FOR ROLE lake_maintainer IN SCHEMA public
    GRANT SELECT ON TABLES TO lake_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE lake_maintainer IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE ON TABLES TO lake_writer;
