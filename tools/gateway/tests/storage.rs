//! SQLite keeps the same promises as the core's memory storage.
use twine_gateway::SqliteStorage;
use twine_gateway_core::suite;

#[test]
fn sqlite_keeps_the_promises() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 0;
    suite::run(|| {
        next += 1;
        let data_dir = dir.path().join(next.to_string());
        std::fs::create_dir(&data_dir).unwrap();
        SqliteStorage::create(&data_dir).unwrap()
    });
}

#[test]
fn a_missing_database_is_not_made_by_reading() {
    let dir = tempfile::tempdir().unwrap();
    let error = SqliteStorage::open(dir.path()).unwrap_err();
    assert!(
        error.to_string().contains("start the server once"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_no_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("gateway.db"), "x".repeat(5000)).unwrap();
    SqliteStorage::create(dir.path()).unwrap_err();
}
