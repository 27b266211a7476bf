-- Three roles for the archive, so that what a gateway may do ends at reading. Once, as a superuser, in the archive's database,
-- before the first migration; where there are tables already, hand_over.sql after it:
--
--   psql "postgresql://postgres@db.example/anabranch" --file deploy/postgresql/roles.sql
--   psql … --command '\password anabranch_owner'         -- and so for the other two: they have none yet and cannot sign in
--
-- The migration makes the tables as anabranch_owner; what it makes later, too, is open to the other two at once.

CREATE ROLE anabranch_owner LOGIN;   -- the migration
CREATE ROLE anabranch_writer LOGIN;  -- persisters
CREATE ROLE anabranch_reader LOGIN;  -- gateways, and `admin verify`

REVOKE CREATE ON SCHEMA public FROM PUBLIC;  -- as from PostgreSQL 15 on
GRANT USAGE, CREATE ON SCHEMA public TO anabranch_owner;
GRANT USAGE ON SCHEMA public TO anabranch_writer, anabranch_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE anabranch_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO anabranch_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE anabranch_owner IN SCHEMA public
  GRANT USAGE ON SEQUENCES TO anabranch_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE anabranch_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO anabranch_reader;
