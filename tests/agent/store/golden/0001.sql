BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE bindings (
	id TEXT NOT NULL, 
	address TEXT NOT NULL, 
	contact TEXT NOT NULL, 
	params TEXT NOT NULL, 
	instance TEXT, 
	reg_id BIGINT, 
	call_id TEXT NOT NULL, 
	cseq BIGINT NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	registered_at DOUBLE NOT NULL, 
	transport TEXT NOT NULL, 
	local_address TEXT NOT NULL, 
	remote_address TEXT NOT NULL, 
	user_agent TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "bindings" VALUES('b-1','sip:alice@example.org','sip:alice-0x55@192.0.2.7:5070;transport=tcp',';q=0.7;+sip.instance="<urn:uuid:f81d4fae>"','<urn:uuid:f81d4fae>',1,'reg@192.0.2.7',4294967295,1770003600.0,1770000000.0,'tcp','192.0.2.1:5060','192.0.2.7:34567','Pho☎e/1.0');
CREATE TABLE manual_choices (
	person TEXT NOT NULL, 
	state TEXT, 
	note TEXT, 
	until DOUBLE, 
	chosen_at DOUBLE NOT NULL, 
	chosen_by TEXT NOT NULL, 
	until_return BOOLEAN NOT NULL, 
	PRIMARY KEY (person)
);
INSERT INTO "manual_choices" VALUES('alice','dnd',NULL,1770000060.0,1770000000.0,'web:alice',0);
CREATE TABLE publications (
	id TEXT NOT NULL, 
	presentity TEXT NOT NULL, 
	package TEXT NOT NULL, 
	entity_tag TEXT NOT NULL, 
	content_type TEXT NOT NULL, 
	body BLOB NOT NULL, 
	published_at DOUBLE NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	publisher TEXT NOT NULL, 
	rank INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "publications" VALUES('pub-1','sip:alice@example.org','presence','tag-1','application/pidf+xml',X'3C70726573656E63652F3E00FF',1770000000.0,1770003600.5,'sip:älice@example.org',-3);
CREATE TABLE rule_memory (
	person TEXT NOT NULL, 
	memory TEXT NOT NULL, 
	PRIMARY KEY (person)
);
INSERT INTO "rule_memory" VALUES('alice','{"held":{"lunch":1.5}}');
CREATE TABLE sequences (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "sequences" VALUES('starts',1);
INSERT INTO "sequences" VALUES('changes',1);
CREATE TABLE sip_users (
	username TEXT NOT NULL, 
	realm TEXT NOT NULL, 
	md5 TEXT, 
	sha256 TEXT, 
	sha512_256 TEXT, 
	changed_at DOUBLE NOT NULL, 
	PRIMARY KEY (username)
);
INSERT INTO "sip_users" VALUES('alice','example.org','mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss',NULL,1770000000.0);
CREATE TABLE standing_publications (
	presentity TEXT NOT NULL, 
	target TEXT NOT NULL, 
	entity_tag TEXT NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	PRIMARY KEY (presentity)
);
INSERT INTO "standing_publications" VALUES('sip:alice@example.org','sip:presence.example.net','tag-9',1770000060.0);
CREATE TABLE subscriptions (
	id TEXT NOT NULL, 
	presentity TEXT NOT NULL, 
	package TEXT NOT NULL, 
	event_id TEXT, 
	watcher TEXT NOT NULL, 
	call_id TEXT NOT NULL, 
	local_tag TEXT NOT NULL, 
	remote_tag TEXT NOT NULL, 
	local_uri TEXT NOT NULL, 
	remote_uri TEXT NOT NULL, 
	remote_target TEXT NOT NULL, 
	remote_cseq BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	contact TEXT NOT NULL, 
	transport TEXT NOT NULL, 
	local_address TEXT NOT NULL, 
	remote_address TEXT NOT NULL, 
	user_agent TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	route_set TEXT NOT NULL, 
	accept TEXT NOT NULL, 
	local_cseq BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "subscriptions" VALUES('sub-1','sip:alice@example.org','presence',NULL,'sip:bob@example.org','sub-1@192.0.2.7','local-sub-1','remote-sub-1','<sip:alice@example.org>','"Bob ☎" <sip:bob@example.org>','sip:bob@192.0.2.7:5070;transport=tcp',4711,'active',1770000600.0,'<sip:192.0.2.1:5060>','tcp','192.0.2.1:5060','192.0.2.7:34567','Lamp/1.0',1770000000.0,'["<sip:p1.example.org;lr>","\"a, b\" <sip:p2.example.org;lr>"]','["application/pidf+xml"]',-65408,-65408);
COMMIT;
